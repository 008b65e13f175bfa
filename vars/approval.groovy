import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/** Holds the build until a person has approved the deploy: here, in Slack or on the command line. */
Map call(Map options = [:]) {
    Map asked = homeostat(command: 'approval', parameters: options + [ask: true])
    if (!asked.needed) {
        return asked
    }
    Map answer = [result: asked.question, choice: 'approve']
    try {
        timeout(time: asked.seconds, unit: 'SECONDS') {
            answer.by = input(id: asked.input, message: asked.message, ok: 'Approve', submitter: asked.submitters, submitterParameter: 'by')
        }
    } catch (FlowInterruptedException interruption) {
        // The log says who rejected it, if anybody did; the build ends as Jenkins ends one that was stopped.
        catchError(message: 'the deploy was not approved', buildResult: 'ABORTED', stageResult: 'ABORTED') {
            homeostat(command: 'approval', parameters: answer + [choice: 'reject'])
        }
        throw interruption
    }
    return homeostat(command: 'approval', parameters: answer)
}
