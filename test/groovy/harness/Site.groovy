package harness

import groovy.json.JsonOutput
import groovy.json.JsonSlurperClassic
import java.security.MessageDigest

/** A folder with all that one build touches: workspace, library resources, and a recorder in place of the runner unless the real one is wanted. */
class Site {
    static File project
    static File temporary
    private static int count = 0

    final File root
    final File workspace
    final File resources
    final Map<String, String> environment

    /** @param runner 'recorder', or 'real' for the committed runner */
    Site(String runner = 'recorder') {
        root = new File(temporary, "${++count}")
        // A blank and brackets in the path, as Jenkins makes from job names.
        workspace = new File(root, 'work space [a]')
        resources = runner == 'real' ? new File(project, 'resources') : new File(root, 'resources')
        workspace.mkdirs()
        environment = [PATH: System.getenv('PATH'), HOME: root.path, LANG: 'C.UTF-8', BUILD_NUMBER: '7', RECORDER: root.path]
        if (runner == 'recorder') {
            library(new File(project, 'test/groovy/program/recorder.cjs').text)
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

    /** How the recorder answers a command: exit, result (anything), raw (text of the result file), none (no file), wait, reports. */
    void answer(Map answers) {
        new File(root, 'answers.json').setText(JsonOutput.toJson(answers), 'UTF-8')
    }

    /** What the recorder was asked, in order. */
    List<Map> getCalls() {
        File file = new File(root, 'calls.jsonl')
        return file.exists() ? file.readLines('UTF-8').collect { new JsonSlurperClassic().parseText(it) as Map } : []
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
            environment.PATH = "${folder.path}:${environment.PATH}"
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
