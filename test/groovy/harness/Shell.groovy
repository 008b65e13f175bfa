package harness

/** A real process started as the `sh` step starts it: script in a file beside the workspace, `sh -xe` unless it names its interpreter. */
class Shell {
    final Map arguments
    private final Process process
    private final File output
    private final File errors
    boolean interrupted = false

    Shell(Map arguments, File workspace, File control, Map<String, String> environment) {
        this.arguments = arguments
        control.mkdirs()
        workspace.mkdirs()
        File script = new File(control, 'script.sh')
        script.setText(arguments.script as String, 'UTF-8')
        output = new File(control, 'output')
        errors = new File(control, 'errors')
        List<String> interpreter = ['sh', '-xe']
        if (arguments.script.startsWith('#!')) {
            interpreter = (arguments.script as String).readLines().first().substring(2).trim().split(/\s+/) as List
        }
        ProcessBuilder builder = new ProcessBuilder(interpreter + [script.path])
        builder.environment().clear()
        builder.environment().putAll(environment)
        builder.directory(workspace).redirectInput(new File('/dev/null')).redirectOutput(output).redirectError(errors)
        process = builder.start()
    }

    boolean isDone() {
        return !process.alive
    }

    int getStatus() {
        return process.exitValue()
    }

    String getLog() {
        return (arguments.returnStdout ? '' : output.getText('UTF-8')) + errors.getText('UTF-8')
    }

    /** What the step answers. */
    Object getValue() {
        if (arguments.returnStatus) {
            return status
        }
        if (status != 0) {
            throw Stubs.abort("script returned exit code ${status}")
        }
        return arguments.returnStdout ? output.getText('UTF-8') : null
    }

    /** SIGTERM to the process and all below it, children first, as Jenkins stops a step. */
    void stop() {
        interrupted = true
        List<ProcessHandle> below = process.toHandle().descendants().collect(java.util.stream.Collectors.toList())
        below.reverse().each { it.destroy() }
        process.toHandle().destroy()
    }
}
