import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/** Holds the build until a person has approved the deploy: here, in Slack or on the command line. */
Map call(Map options = [:]) {
    return answer(ask(options), null)
}

/** Asks, in the checkout; whether anybody has to answer is `needed`. */
Map ask(Map options = [:]) {
    return homeostat(command: 'approval', parameters: options + [ask: true])
}

/** Waits for the answer to what was asked. Outside of `node` it needs `onAgent`, which runs a closure on an agent, and holds no executor. */
Map answer(Map asked, Closure onAgent) {
    if (!asked.needed) {
        return asked
    }
    Map given = [result: asked.question, choice: 'approve']
    try {
        timeout(time: asked.seconds, unit: 'SECONDS') {
            given.by = input(id: asked.input, message: asked.message, ok: 'Approve', submitter: asked.submitters, submitterParameter: 'by')
        }
    } catch (FlowInterruptedException interruption) {
        // The log says who rejected it, if anybody did; the build ends as Jenkins ends one that was stopped.
        catchError(message: 'the deploy was not approved', buildResult: 'ABORTED', stageResult: 'ABORTED') {
            tell(given + [choice: 'reject'], onAgent)
        }
        throw interruption
    }
    return tell(given, onAgent)
}

/** The runner records what was decided, and refuses who may not decide. */
private Map tell(Map given, Closure onAgent) {
    if (onAgent == null) {
        return homeostat(command: 'approval', parameters: given)
    }
    return onAgent { homeostat(command: 'approval', parameters: given) }
}
