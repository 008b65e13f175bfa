import groovy.json.JsonOutput
import harness.JobDsl
import harness.Site
import static harness.Suite.test

/** resources/jenkins/jobs.groovy: what it asks of Job DSL for what jobs.json lists. */

File seed = new File(Site.project, 'resources/jenkins/jobs.groovy')

JobDsl jobs(File seed, List jobs) {
    File file = new File(new Site().root, 'jobs.json')
    file.parentFile.mkdirs()
    file.setText(JsonOutput.toJson([tokens: [], jobs: jobs]), 'UTF-8')
    return JobDsl.run(seed, [HOMEOSTAT_JOBS: file.path])
}

Map common = [description: 'a job', keepBuilds: 50, rights: []]
Map scale = common + [name: 'service-scale', kind: 'command', step: 'serviceScale', agent: 'docker', timeoutMinutes: 30,
    environment: [HOMEOSTAT_ALERTMANAGER: 'http://homeostat-alertmanager:9093'],
    parameters: ['service', 'scale', 'by', 'id', 'at'].collect { [name: it, description: "the ${it}".toString()] },
    rights: [[user: 'alertmanager', permissions: ['Job/Read', 'Job/Build']]]]
Map branch = common + [name: 'shop', kind: 'branch', repository: 'http://git.example/shop.git', branch: 'main', script: 'Jenkinsfile']
Map branches = common + [name: 'shop-all', kind: 'branches', repository: 'git@git.example:shop.git', branches: ['main', 'release/*'], script: 'ci/Jenkinsfile', credentials: 'git-1']

test('jobs.groovy: no jobs, no calls') {
    assert jobs(seed, []).calls == [:]
}

test('jobs.groovy: a command gets its parameters, its rights and a sandboxed script; builds are not kept one after the other') {
    def made = jobs(seed, [scale])
    def of = { made.of('service-scale', it) }
    assert of('kind') == ['pipelineJob']
    assert of('parameters/stringParam') == ['service', 'scale', 'by', 'id', 'at'].collect { [it, '', "the ${it}".toString()] }
    assert of('properties/authorizationMatrix/inheritanceStrategy/inheriting') == [[]]
    assert of('properties/authorizationMatrix/entries/user/name') == ['alertmanager']
    assert of('properties/authorizationMatrix/entries/user/permissions') == [['Job/Read', 'Job/Build']]
    assert of('quietPeriod') == [0] && of('logRotator/numToKeep') == [50]
    assert of('definition/cps/sandbox') == [[]]
    assert of('properties/disableConcurrentBuilds') == []
}

test('jobs.groovy: the script of a command runs the step with the parameters that were given, on the agent, in its environment') {
    String script = jobs(seed, [scale]).of('service-scale', 'definition/cps/script')[0]
    for (sandbox in [false, true]) {
        def site = new Site()
        site.answer(scale: [result: [verdict: 'scale']])
        def build = site.good(sandbox: sandbox, parameters: [service: 'shop_web', scale: 'up', by: '', id: 'a@1', at: ''], script)
        assert site.calls*.command == ['scale']
        assert new groovy.json.JsonSlurperClassic().parseText(site.calls[0].parameters) == [service: 'shop_web', scale: 'up', id: 'a@1']
        assert site.calls[0].environment.HOMEOSTAT_ALERTMANAGER == 'http://homeostat-alertmanager:9093'
        assert build.steps.find { it.name == 'node' }.given.values().toList() == ['docker']
        assert build.steps.find { it.name == 'timeout' }.given == [time: 30, unit: 'MINUTES']
    }
}

test('jobs.groovy: one branch is a job that git/notifyCommit finds, built one after the other') {
    def made = jobs(seed, [branch])
    def of = { made.of('shop', it) }
    assert of('kind') == ['pipelineJob']
    assert of('properties/pipelineTriggers/triggers/pollSCM/scmpoll_spec') == ['']
    assert of('properties/pipelineTriggers/triggers/pollSCM/ignorePostCommitHooks') == [false]
    assert of('properties/disableConcurrentBuilds/abortPrevious') == [false]
    assert of('properties/authorizationMatrix') == []
    assert of('definition/cpsScm/scriptPath') == ['Jenkinsfile'] && of('definition/cpsScm/lightweight') == [true]
    assert of('definition/cpsScm/scm/git/remote/url') == ['http://git.example/shop.git']
    assert of('definition/cpsScm/scm/git/remote/credentials') == []
    assert of('definition/cpsScm/scm/git/branch') == ['main']
    assert of('logRotator/numToKeep') == [50]
}

test('jobs.groovy: several branches are found by Jenkins, and filtered') {
    def made = jobs(seed, [branches + [rights: [[user: 'ann', permissions: ['Job/Read']], [user: 'bo', permissions: ['Job/Read', 'Job/Build']]]]])
    def of = { made.of('shop-all', it) }
    String source = 'branchSources/branchSource/source/git'
    assert of('kind') == ['multibranchPipelineJob']
    assert of("${source}/id") == ['shop-all'] && of("${source}/remote") == ['git@git.example:shop.git']
    assert of("${source}/credentialsId") == ['git-1']
    assert of("${source}/traits/gitBranchDiscovery") == [[]]
    assert of("${source}/traits/headWildcardFilter/includes") == ['main release/*']
    assert of('factory/workflowBranchProjectFactory/scriptPath') == ['ci/Jenkinsfile']
    assert of('branchSources/branchSource/strategy/defaultBranchPropertyStrategy/props/buildRetentionBranchProperty/buildDiscarder/logRotator/numToKeepStr') == ['50']
    assert of('properties/authorizationMatrix/entries/user/name') == ['ann', 'bo']
    assert of('properties/authorizationMatrix/entries/user/permissions') == [['Job/Read'], ['Job/Read', 'Job/Build']]
}

test('jobs.groovy: a credential and rights of a job with one branch; all kinds in one list keep their order') {
    def made = jobs(seed, [branch + [credentials: 'git-1', rights: [[user: 'ann', permissions: ['Job/Read']]]], branches, scale])
    assert made.calls.keySet().toList() == ['shop', 'shop-all', 'service-scale']
    assert made.of('shop', 'definition/cpsScm/scm/git/remote/credentials') == ['git-1']
    assert made.of('shop', 'properties/authorizationMatrix/entries/user/name') == ['ann']
}

test('jobs.groovy: hostile texts stay texts, everywhere') {
    List<String> hostile = ['\'; error("x"); \'', '"""', '${System.exit(1)}', '$(id)', 'a\\', '\\\'', '\\u0027; error("x") //', 'line\nbreak\r\n', '*/ /*', 'täglich 日本 🎉', '\t\0']
    for (text in hostile) {
        def made = jobs(seed, [
            scale + [name: "c ${text}".toString(), description: text, agent: text, environment: [A: text, B: 'b'], parameters: [[name: text, description: text], [name: 'empty', description: '']], rights: [[user: text, permissions: [text]]]],
            branch + [name: "b ${text}".toString(), description: text, repository: text, branch: text, script: text, credentials: text],
            branches + [name: "m ${text}".toString(), description: text, repository: text, branches: [text], script: text, credentials: text],
        ])
        assert made.of("c ${text}", 'parameters/stringParam') == [[text, '', text], ['empty', '', '']]
        assert made.of("c ${text}", 'properties/authorizationMatrix/entries/user/name') == [text]
        assert made.of("b ${text}", 'definition/cpsScm/scm/git/remote/url') == [text]
        assert made.of("m ${text}", 'branchSources/branchSource/source/git/traits/headWildcardFilter/includes') == [text]
        // What the script does, taken down step by step.
        List told = []
        def shell = new GroovyShell(harness.Stubs.loader, new Binding([
            params: [(text): 'x', empty: '', other: 'y'],
            timeout: { Map given, Closure body -> told << given; body() },
            node: { label, Closure body -> told << label; body() },
            withEnv: { list, Closure body -> told << list; body() },
            serviceScale: { given -> told << given },
        ]))
        shell.evaluate(made.of("c ${text}", 'definition/cps/script')[0] as String)
        assert told == [[time: 30, unit: 'MINUTES'], text, ["A=${text}".toString(), 'B=b'], [(text): 'x']]
    }
}

test('jobs.groovy: a step or a kind that cannot be is refused, for its name would be code') {
    for (wrong in [scale + [step: 'serviceScale(); error'], scale + [step: ''], branch + [kind: 'other']]) {
        try {
            jobs(seed, [wrong])
        } catch (IllegalArgumentException refused) {
            assert refused.message.startsWith('jobs.json: ')
            continue
        }
        throw new AssertionError("not refused: ${wrong}")
    }
}

test('the stand-in for Job DSL refuses what Jenkins was not seen to accept') {
    for (wrong in ["pipelineJob('a') { nonsense(1) }", "pipelineJob('a') { quietPeriod('0') }", "pipelineJob('a') { definition { cps { script('x', 'y') } } }",
        "String own() { 'x' }\npipelineJob('a') { description(own()) }", "pipelineJob('a') { properties { pipelineTriggers { triggers { scm {} } } } }",
        "pipelineJob('a') {}\npipelineJob('a') {}"]) {
        try {
            new JobDsl().seed(wrong, [:])
        } catch (IllegalArgumentException refused) {
            continue
        }
        throw new AssertionError("not refused: ${wrong}")
    }
}
