import groovy.json.JsonSlurperClassic

/**
 * Makes the jobs that jobs.json lists, at each start and reload of Jenkins. A job that is no longer listed stays, as a
 * seed that Configuration as Code runs deletes nothing.
 *
 * Inside the blocks of Job DSL only its own methods are called; what is computed stands in variables before. A method or
 * closure of this file that bears the name of one of Job DSL would be called in its place.
 */
Map site = new JsonSlurperClassic().parse(new File(System.getenv('HOMEOSTAT_JOBS') ?: '/etc/homeostat/jobs.json'), 'UTF-8')

for (Map job in site.jobs) {
    switch (job.kind) {
        case 'command': commandJob(job); break
        case 'branch': branchJob(job); break
        case 'branches': branchesJob(job); break
        default: throw new IllegalArgumentException("jobs.json: ${job.name} is of the unknown kind ${job.kind}")
    }
}

/**
 * Runs a command of the runner with the parameters of the request. Builds run beside each other, so that no service waits
 * for another one: two for the same service are kept apart by the lease of its stack, and a request that is repeated is
 * known by its id.
 */
void commandJob(Map job) {
    Closure access = accessOf(job)
    String text = commandScript(job)
    pipelineJob(job.name) {
        description(job.description)
        if (job.parameters) {
            parameters {
                for (Map each in job.parameters) {
                    stringParam(each.name, '', each.description)
                }
            }
        }
        if (job.rights) {
            properties { authorizationMatrix(access) }
        }
        logRotator { numToKeep(job.keepBuilds) }
        quietPeriod(0)
        definition {
            cps {
                sandbox()
                script(text)
            }
        }
    }
}

/** Builds one branch whenever it is told of a push: the trigger without a schedule is what git/notifyCommit looks for. */
void branchJob(Map job) {
    Closure access = accessOf(job)
    pipelineJob(job.name) {
        description(job.description)
        properties {
            disableConcurrentBuilds { abortPrevious(false) }
            pipelineTriggers {
                triggers {
                    pollSCM {
                        scmpoll_spec('')
                        ignorePostCommitHooks(false)
                    }
                }
            }
            if (job.rights) {
                authorizationMatrix(access)
            }
        }
        logRotator { numToKeep(job.keepBuilds) }
        definition {
            cpsScm {
                lightweight(true)
                scriptPath(job.script)
                scm {
                    git {
                        remote {
                            url(job.repository)
                            if (job.credentials) {
                                credentials(job.credentials)
                            }
                        }
                        branch(job.branch)
                    }
                }
            }
        }
    }
}

/** Has a job for each branch that fits; Jenkins looks for branches when it is made and when it is told of a push. */
void branchesJob(Map job) {
    Closure access = accessOf(job)
    String wanted = job.branches.join(' ')
    String kept = job.keepBuilds
    multibranchPipelineJob(job.name) {
        description(job.description)
        if (job.rights) {
            properties { authorizationMatrix(access) }
        }
        branchSources {
            branchSource {
                source {
                    git {
                        id(job.name)
                        remote(job.repository)
                        if (job.credentials) {
                            credentialsId(job.credentials)
                        }
                        traits {
                            gitBranchDiscovery()
                            headWildcardFilter {
                                includes(wanted)
                                excludes('')
                            }
                        }
                    }
                }
                strategy {
                    defaultBranchPropertyStrategy {
                        props {
                            buildRetentionBranchProperty {
                                buildDiscarder {
                                    logRotator {
                                        daysToKeepStr('-1')
                                        numToKeepStr(kept)
                                        artifactDaysToKeepStr('-1')
                                        artifactNumToKeepStr('-1')
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        factory { workflowBranchProjectFactory { scriptPath(job.script) } }
    }
}

/** The block that gives rights at one job, besides those that hold everywhere. */
Closure accessOf(Map job) {
    return {
        inheritanceStrategy { inheriting() }
        entries {
            for (Map right in job.rights) {
                user {
                    name(right.user)
                    permissions(right.permissions)
                }
            }
        }
    }
}

/** A pipeline that runs the step on an agent; a parameter that is empty was not given. */
String commandScript(Map job) {
    if (!(job.step ==~ /[a-z][A-Za-z0-9]*/)) {
        throw new IllegalArgumentException("jobs.json: ${job.step} cannot name a step")
    }
    String names = job.parameters.collect { literal(it.name) }.join(', ')
    String environment = job.environment.collect { variable, value -> literal("${variable}=${value}") }.join(', ')
    return """\
        @Library('homeostat') _
        Map request = [:]
        for (name in [${names}]) {
            if (params.get(name)) {
                request.put(name, params.get(name))
            }
        }
        timeout(time: ${job.timeoutMinutes as int}, unit: 'MINUTES') {
            node(${literal(job.agent)}) {
                withEnv([${environment}]) {
                    ${job.step}(request)
                }
            }
        }
    """.stripIndent()
}

/** The text as Groovy writes it; between single quotes nothing is evaluated. */
String literal(CharSequence text) {
    return "'" + text.toString().replace('\\', '\\\\').replace("'", "\\'").replace('\n', '\\n').replace('\r', '\\r') + "'"
}
