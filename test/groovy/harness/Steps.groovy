package harness

import groovy.json.JsonSlurperClassic
import java.nio.file.FileSystems
import java.nio.file.Files

/** The steps of Jenkins that the tests know: their parameters (the first is the one given bare) and what they do. */
class Steps {
    static final Map<String, List<String>> blocks = [
        node: ['label'],
        stage: ['name'],
        dir: ['path'],
        withEnv: ['overrides'],
        withCredentials: ['bindings'],
        timeout: ['time', 'unit', 'activity'],
        catchError: ['message', 'buildResult', 'stageResult', 'catchInterruptions'],
    ]
    /** Describables such as `string(credentialsId: …)`: a map, no step. */
    static final List<String> symbols = ['usernamePassword', 'string', 'file', 'legacySCM']

    static final Map<String, List<String>> parameters = [
        sh: ['script', 'returnStatus', 'returnStdout', 'label', 'encoding'],
        parallel: [],
        echo: ['message'],
        error: ['message'],
        pwd: ['tmp'],
        checkout: ['scm'],
        deleteDir: [],
        library: ['identifier', 'retriever', 'changelog'],
        libraryResource: ['resource', 'encoding'],
        fileExists: ['file'],
        readFile: ['file', 'encoding'],
        writeFile: ['file', 'text', 'encoding'],
        readJSON: ['file', 'text', 'returnPojo'],
        junit: ['testResults', 'allowEmptyResults'],
        input: ['message', 'id', 'ok', 'parameters', 'submitter', 'submitterParameter'],
    ]

    /** What cannot be done while the agent is away. */
    static final List<String> onAgent = ['sh', 'pwd', 'checkout', 'deleteDir', 'fileExists', 'readFile', 'writeFile', 'readJSON', 'junit']

    /** The repository that the Jenkinsfile is from, as Jenkins gives it. */
    static final Map scm = [$class: 'GitSCM', userRemoteConfigs: [[url: 'https://git.example/shop.git']], extensions: []]

    static Object echo(Build build, Strand strand, Map given) {
        build.log << (given.message as String)
        return null
    }

    static Object error(Build build, Strand strand, Map given) {
        throw Stubs.abort(given.message as String)
    }

    static Object pwd(Build build, Strand strand, Map given) {
        return build.folderAt(strand).path + (given.tmp ? '@tmp' : '')
    }

    static Object checkout(Build build, Strand strand, Map given) {
        return build.revision ? [GIT_COMMIT: build.revision] : [:]
    }

    /** The next of the build's answers: who proceeds, or how the wait ends. With submitterParameter alone that is what Jenkins returns. */
    static Object input(Build build, Strand strand, Map given) {
        if (!(given.id ==~ /[A-Z][A-Za-z0-9_-]*/)) {
            build.violations << "input with the id ${given.id}: Jenkins would change it".toString()
        }
        Object answer = build.inputs.remove(0)
        if (answer instanceof Throwable) {
            throw answer
        }
        return answer
    }

    static Object deleteDir(Build build, Strand strand, Map given) {
        build.folderAt(strand).deleteDir()
        return null
    }

    static Object library(Build build, Strand strand, Map given) {
        return null
    }

    static Object libraryResource(Build build, Strand strand, Map given) {
        if (given.encoding != 'UTF-8') {
            build.violations << 'libraryResource without encoding: the controller would choose one'
        }
        File file = new File(build.resources, given.resource as String)
        if (!file.isFile()) {
            throw Stubs.abort("No such library resource ${given.resource} could be found.")
        }
        return file.getText('UTF-8')
    }

    static Object fileExists(Build build, Strand strand, Map given) {
        return build.fileAt(strand, given.file).exists()
    }

    static Object readFile(Build build, Strand strand, Map given) {
        return build.fileAt(strand, given.file).getText((given.encoding ?: 'UTF-8') as String)
    }

    static Object writeFile(Build build, Strand strand, Map given) {
        if (given.encoding != 'UTF-8') {
            build.violations << 'writeFile without encoding: the agent would choose one'
        }
        File file = build.fileAt(strand, given.file)
        file.parentFile.mkdirs()
        file.setText(given.text as String, 'UTF-8')
        return null
    }

    static Object readJSON(Build build, Strand strand, Map given) {
        if (!given.returnPojo) {
            build.violations << 'readJSON without returnPojo: null would be an object that is true'
        }
        String text = given.text ?: build.fileAt(strand, given.file).getText('UTF-8')
        try {
            return new JsonSlurperClassic().parseText(text)
        } catch (Exception problem) {
            throw Stubs.badJson("Invalid JSON String: ${problem.class.simpleName}")
        }
    }

    static Object junit(Build build, Strand strand, Map given) {
        File folder = build.folderAt(strand)
        // In Ant's patterns **/ is any number of folders, none included.
        def matchers = [given.testResults, given.testResults.replace('**/', '')].collect { FileSystems.default.getPathMatcher("glob:${it}") }
        List<String> found = []
        if (folder.isDirectory()) {
            Files.walk(folder.toPath()).each { path ->
                if (matchers.any { it.matches(folder.toPath().relativize(path)) }) {
                    found << (folder.toPath().relativize(path) as String)
                }
            }
        }
        if (!found && !given.allowEmptyResults) {
            throw Stubs.abort('No test report files were found. Configuration error?')
        }
        build.reports.addAll(found)
        return [totalCount: found.size()]
    }

    /** What a step with a body changes around it. */
    static Map frame(Build build, String name, Map given) {
        Map<String, String> environment = [:]
        if (name == 'withCredentials') {
            for (binding in given.bindings) {
                environment.putAll(secretsOf(build, binding as Map))
            }
        }
        Long until = name == 'timeout' ? System.currentTimeMillis() + (given.time as long) * (given.unit == 'SECONDS' ? build.minute.intdiv(60) : build.minute) : null
        return [name: name, given: given, environment: environment, until: until]
    }

    private static Map<String, String> secretsOf(Build build, Map binding) {
        List<String> secret = build.credentials[binding.credentialsId]
        if (secret == null) {
            throw Stubs.abort("Could not find credentials entry with ID '${binding.credentialsId}'")
        }
        return binding.symbol == 'usernamePassword'
            ? [(binding.usernameVariable): secret[0], (binding.passwordVariable): secret[1]]
            : [(binding.variable): secret[0]]
    }
}
