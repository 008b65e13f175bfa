/** The whole way of a service from commit to production, stage by stage. */
Map call(Map options = [:]) {
    checkOptions(options)
    Map config = options.config ? [config: options.config] : [:]
    Map done = [:]
    node(options.agent ?: '') {
        checkout(scm)
        inStage(options, 'unit') { done.unit = imageTest(config + [only: 'unit']) }
        inStage(options, 'build') { done.build = imageBuild(config) }
        inStage(options, 'push') { done.push = imagePush(config + [image: done.build?.image]) }
        Map image = config + [image: done.push?.reference]
        Map build = config + [build: env.BUILD_NUMBER]
        inStage(options, 'candidate',
            { done.candidate = imageTest(image + build + [only: 'functional,integration,load']) },
            { homeostat(command: 'cleanup', parameters: build) })
        inStage(options, 'release') { done.release = imagePush(image + [release: true]) }
        inStage(options, 'approval') { done.approval = options.approvedBy ? [approvedBy: options.approvedBy] : approval(image) }
        inStage(options, 'deploy') { done.deploy = serviceDeploy(image + [approvedBy: options.approvedBy ?: done.approval?.approvedBy]) }
        inStage(options, 'verify') { done.verify = imageTest(config + [only: 'production']) }
    }
    return done
}

/** Refuses a misspelt option before anything is done. */
private void checkOptions(Map options) {
    List known = ['agent', 'approvedBy', 'config', 'credentials', 'skip', 'timeout']
    List stages = ['unit', 'build', 'push', 'candidate', 'release', 'approval', 'deploy', 'verify']
    Set unknown = options.keySet() - known
    if (unknown) {
        error("servicePipeline: unknown option ${unknown.join(', ')}; allowed are ${known.join(', ')}")
    }
    if (options.skip != null && !(options.skip instanceof List)) {
        error("servicePipeline: skip is a list of stages, such as ['unit']")
    }
    List skipped = (options.skip ?: []) - stages
    if (skipped) {
        error("servicePipeline: unknown stage ${skipped.join(', ')} in skip; the stages are ${stages.join(', ')}")
    }
}

private void inStage(Map options, String name, Closure work, Closure cleanup = null) {
    if (options.skip?.contains(name)) {
        return
    }
    stage(name) {
        withBindings(options.credentials) {
            boolean worked = false
            try {
                timeout(time: options.timeout ?: 60, unit: 'MINUTES') { work() }
                worked = true
            } finally {
                tidy(worked, cleanup)
            }
        }
    }
}

/** The second call: a stopped runner has five seconds, no time to remove a stack. What went wrong before stays the reason of the failure. */
private void tidy(boolean worked, Closure cleanup) {
    if (cleanup == null) {
        return
    }
    if (worked) {
        cleanup()
    } else {
        catchError(message: 'the candidate could not be removed') { cleanup() }
    }
}

private void withBindings(List credentials, Closure work) {
    if (credentials) {
        withCredentials(credentials) { work() }
    } else {
        work()
    }
}
