package harness

import groovy.json.JsonOutput
import java.security.MessageDigest

/** A folder with all that one build touches: workspace, library resources, programs. */
class Site {
    static File project
    static File temporary
    private static int count = 0

    final File root
    final File workspace
    final File resources
    final Map<String, String> environment

    /** @param runner 'recorder' in place of node, 'real' for the committed runner, or 'node' for real node with the text given to library() */
    Site(String runner = 'recorder') {
        root = new File(temporary, "${++count}")
        // A blank and brackets in the path, as Jenkins makes from job names.
        workspace = new File(root, 'work space [a]')
        resources = runner == 'real' ? new File(project, 'resources') : new File(root, 'resources')
        workspace.mkdirs()
        environment = [PATH: System.getenv('PATH'), HOME: root.path, LANG: 'C.UTF-8', BUILD_NUMBER: '7', RECORDER: root.path]
        if (runner == 'recorder') {
            library('the runner')
            program('node', new File(project, 'test/groovy/program/recorder').text)
        }
    }

    /** Makes that text the runner of the library, with its checksum unless another is given. */
    void library(String text, String digest = sha256(text)) {
        File folder = new File(resources, 'homeostat')
        folder.mkdirs()
        new File(folder, 'homeostat.cjs').setText(text, 'UTF-8')
        new File(folder, 'homeostat.cjs.sha256').setText("${digest}  homeostat.cjs\n", 'UTF-8')
    }

    static String sha256(String text) {
        return MessageDigest.getInstance('SHA-256').digest(text.getBytes('UTF-8')).encodeHex()
    }

    String getDigest() {
        return new File(resources, 'homeostat/homeostat.cjs.sha256').text.substring(0, 64)
    }

    File getTemporaryFolder() {
        return new File("${workspace.path}@tmp")
    }

    File getInstalled() {
        return new File(temporaryFolder, "homeostat-${digest}.cjs")
    }

    /** How the recorder answers a command, or "test <only>": exit, result (anything), raw (text of the result file), none (no file), wait (seconds), reports. */
    void answer(Map<String, Map> answers) {
        answers.each { command, answer ->
            File folder = new File(root, "answers/${command}")
            folder.deleteDir()
            folder.mkdirs()
            ['exit', 'wait', 'none'].findAll { answer.containsKey(it) }.each { new File(folder, it).text = "${answer[it]}\n" }
            String result = answer.raw != null ? answer.raw : answer.result != null ? JsonOutput.toJson(answer.result) : null
            if (result != null) {
                new File(folder, 'result').setText(result, 'UTF-8')
            }
            answer.reports?.each { name, text ->
                File file = new File(folder, "reports/${name}")
                file.parentFile.mkdirs()
                file.text = text
            }
        }
    }

    /** What the recorder was asked, in order: command, arguments, parameters (the text), environment. */
    List<Map> getCalls() {
        List<File> files = root.listFiles().findAll { it.name ==~ /call-\d+/ }.sort { (it.name - 'call-') as int }
        return files.collect { file ->
            List<String> arguments = file.getText('UTF-8').split('\n', -1).toList().init()
            Map environment = new File("${file.path}.environment").getText('UTF-8').split('\0').collectEntries { it.split('=', 2).toList() }
            [command: arguments[0], arguments: arguments, parameters: environment.HOMEOSTAT_PARAMETERS, environment: environment]
        }
    }

    boolean has(String name) {
        return new File(root, name).exists()
    }

    /** A program of that name, first on the PATH. */
    void program(String name, String script) {
        File folder = new File(root, 'bin')
        folder.mkdirs()
        File file = new File(folder, name)
        file.setText(script, 'UTF-8')
        file.setExecutable(true)
        if (!environment.PATH.startsWith(folder.path)) {
            environment.PATH = folder.path + ':' + environment.PATH
        }
    }

    Build build(Map options = [:]) {
        return new Build([workspace: workspace, resources: resources, environment: environment] + options)
    }

    /** Runs the script and insists that it ends well, without violations. */
    Build good(Map options = [:], String script) {
        Build build = build(options).run(script)
        if (build.error) {
            throw new AssertionError("the build failed: ${build.error}\n${build.log.join('\n')}", build.error)
        }
        assert build.violations == []
        return build
    }

    /** Runs the script and insists that it fails, without violations. */
    Build bad(Map options = [:], String script) {
        Build build = build(options).run(script)
        assert build.error != null: 'the build should have failed'
        assert build.violations == []
        return build
    }
}
