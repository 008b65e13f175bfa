/** The whole way of a service from commit to production, stage by stage. */
Map call(Map options = [:]) {
    checkOptions(options)
    Map config = options.config ? [config: options.config] : [:]
    Map done = [:]
    String commit = null
    node(options.agent ?: '') {
        commit = checkout(scm).GIT_COMMIT
        prove(options, config, done)
        if (!done.approval?.needed) {
            ship(options, config, done)
        }
    }
    if (done.approval?.needed) {
        // While a person thinks, no executor is held: what follows has an agent and a checkout of its own.
        stage('answer') {
            done.approval = approval.answer(done.approval) { work -> node(options.agent ?: '') { withBindings(options.credentials, work) } }
        }
        node(options.agent ?: '') {
            checkoutAgain(commit)
            ship(options, config, done)
        }
    }
    return done
}

private void prove(Map options, Map config, Map done) {
    inStage(options, 'unit') { done.unit = imageTest(config + [only: 'unit']) }
    inStage(options, 'build') { done.build = imageBuild(config) }
    inStage(options, 'push') { done.push = imagePush(config + [image: done.build?.image]) }
    Map image = config + [image: done.push?.reference]
    Map build = config + [build: env.BUILD_NUMBER]
    inStage(options, 'candidate',
        { done.candidate = imageTest(image + build + [only: 'functional,integration,load']) },
        { homeostat(command: 'cleanup', parameters: build) })
    inStage(options, 'release') { done.release = imagePush(image + [release: true]) }
    inStage(options, 'approval') { done.approval = options.approvedBy ? [approvedBy: options.approvedBy] : approval.ask(image + wanted(options)) }
}

private void ship(Map options, Map config, Map done) {
    Map image = config + [image: done.push?.reference]
    inStage(options, 'deploy') { done.deploy = serviceDeploy(image + [approvedBy: options.approvedBy ?: done.approval?.approvedBy]) }
    inStage(options, 'verify') { done.verify = imageTest(config + [only: 'production']) }
}

private Map wanted(Map options) {
    return options.approval instanceof Map ? options.approval : [:]
}

/** The commit that was tested, though its branch may have gone on meanwhile. */
private void checkoutAgain(String commit) {
    if (commit == null) {
        checkout(scm)
    } else {
        checkout([$class: 'GitSCM', branches: [[name: commit]], extensions: scm.extensions, userRemoteConfigs: scm.userRemoteConfigs])
    }
}

/** Refuses a misspelt option before anything is done. */
private void checkOptions(Map options) {
    List known = ['after', 'agent', 'approval', 'approvedBy', 'before', 'config', 'credentials', 'skip', 'timeout']
    List stages = ['unit', 'build', 'push', 'candidate', 'release', 'approval', 'deploy', 'verify']
    Set unknown = options.keySet() - known
    if (unknown) {
        error("servicePipeline: unknown option ${unknown.join(', ')}; allowed are ${known.join(', ')}")
    }
    if (options.skip != null && !(options.skip instanceof List)) {
        error("servicePipeline: skip is a list of stages, such as ['unit']")
    }
    if (options.approval != null && !(options.approval instanceof Boolean) && !(options.approval instanceof Map)) {
        error("servicePipeline: approval is true, false or a map of options of the step approval, such as [stack: 'shop']")
    }
    checkStages('skip', options.skip ?: [], stages)
    for (String hook in ['before', 'after']) {
        checkHooks(hook, options.get(hook), stages)
    }
}

private void checkStages(String option, Collection named, List stages) {
    Collection unknown = named - stages
    if (unknown) {
        error("servicePipeline: unknown stage ${unknown.join(', ')} in ${option}; the stages are ${stages.join(', ')}")
    }
}

private void checkHooks(String option, Object hooks, List stages) {
    if (hooks == null) {
        return
    }
    boolean closures = hooks instanceof Map
    for (Object each in (closures ? hooks.values() : [])) {
        closures = closures && each instanceof Closure
    }
    if (!closures) {
        error("servicePipeline: ${option} is a map of stages and closures, such as [deploy: { echo 'now' }]")
    }
    checkStages(option, hooks.keySet(), stages)
}

private void inStage(Map options, String name, Closure work, Closure cleanup = null) {
    if (options.skip?.contains(name) || (name == 'approval' && options.approval == false)) {
        return
    }
    stage(name) {
        withBindings(options.credentials) {
            boolean worked = false
            try {
                timeout(time: options.timeout ?: 60, unit: 'MINUTES') {
                    hook(options.before, name)
                    work()
                    hook(options.after, name)
                }
                worked = true
            } finally {
                tidy(worked, cleanup)
            }
        }
    }
}

private void hook(Map hooks, String name) {
    Closure work = hooks?.get(name)
    if (work != null) {
        work()
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
        catchError(message: 'the candidate could not be removed: the next pipeline or `homeostat cleanup` removes it') { cleanup() }
    }
}

private Object withBindings(List credentials, Closure work) {
    if (credentials) {
        return withCredentials(credentials) { work() }
    }
    return work()
}
