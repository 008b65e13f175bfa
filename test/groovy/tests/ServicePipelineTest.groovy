import groovy.json.JsonSlurperClassic
import harness.Site
import harness.Stubs
import static harness.Suite.test

/** The order of the stages, what they hand on, and what happens when one fails or the build is stopped. */

List<String> asked(Site site) {
    return site.calls.collect { call ->
        Map parameters = new JsonSlurperClassic().parseText(call.parameters) as Map
        [call.command, parameters.only ?: (parameters.release ? 'release' : null)].findAll().join(' ')
    }
}

Map parametersOf(Site site, int call) { new JsonSlurperClassic().parseText(site.calls[call].parameters).findAll { it.value != null } }

String digest = 'registry:5000/shop@sha256:' + 'a' * 64
Map answers = [build: [result: [image: 'registry:5000/shop:7']], push: [result: [reference: digest, digest: 'sha256:' + 'a' * 64]], deploy: [result: [release: 4]]]
Map error = [error: [code: 'TEST_FAILED', message: 'red', remedy: 'Mend it.']]
List<String> all = ['test unit', 'build', 'push', 'test functional,integration,load', 'cleanup', 'push release', 'approval', 'deploy', 'test production']

for (sandbox in [false, true]) {
    test("servicePipeline: goes through all stages in order and hands the digest on (${sandbox ? 'untrusted' : 'trusted'} library)") {
        def site = new Site()
        site.answer(answers)
        def build = site.good(sandbox: sandbox, "@Library('homeostat') _\nservicePipeline()")
        assert asked(site) == all
        assert build.steps.findAll { it.name == 'stage' }*.given*.name == ['unit', 'build', 'push', 'candidate', 'release', 'approval', 'deploy', 'verify']
        assert build.steps*.name.take(2) == ['node', 'checkout']
        assert parametersOf(site, 1) == [:]
        assert parametersOf(site, 2) == [image: 'registry:5000/shop:7']
        assert parametersOf(site, 3) == [image: digest, build: '7', only: 'functional,integration,load']
        assert parametersOf(site, 4) == [build: '7']
        assert parametersOf(site, 5) == [image: digest, release: true]
        assert parametersOf(site, 6) == [image: digest, ask: true]
        assert parametersOf(site, 7) == [image: digest]
        assert parametersOf(site, 8) == [only: 'production']
        assert build.value.deploy == [release: 4] && build.value.keySet().toList() == ['unit', 'build', 'push', 'candidate', 'release', 'approval', 'deploy', 'verify']
    }

    test("servicePipeline: a stop in the candidate stage still removes the candidate (${sandbox ? 'untrusted' : 'trusted'} library)") {
        def site = new Site()
        site.answer(answers + ['test functional,integration,load': [wait: 20]])
        def build = site.bad(sandbox: sandbox, stops: [{ site.has('started-test') }], 'servicePipeline()')
        assert build.error.class.simpleName == 'FlowInterruptedException'
        assert asked(site) == all.take(5)
        assert parametersOf(site, 4) == [build: '7']
        assert build.steps.last().stage == 'candidate'
    }
}

test('servicePipeline: the options reach what they are for') {
    def site = new Site()
    site.answer(answers)
    def build = site.good(credentials: [registry: ['deployer', 's3cret']], '''
        servicePipeline(agent: 'docker && linux', config: 'shop/homeostat.yml', timeout: 5, approvedBy: 'Ada',
            credentials: [usernamePassword(credentialsId: 'registry', usernameVariable: 'HOMEOSTAT_REGISTRY_USER', passwordVariable: 'HOMEOSTAT_REGISTRY_PASSWORD')])
    ''')
    assert asked(site) == all - ['approval']: 'nobody is asked where somebody has approved'
    assert build.steps.find { it.name == 'node' }.given.label == 'docker && linux'
    assert build.steps.findAll { it.name == 'timeout' }*.given.unique() == [[time: 5, unit: 'MINUTES']]
    assert site.calls.collect { new JsonSlurperClassic().parseText(it.parameters).approvedBy } == [null, null, null, null, null, null, 'Ada', null]
    assert site.calls.every { new JsonSlurperClassic().parseText(it.parameters).config == 'shop/homeostat.yml' }
    assert site.calls.every { it.environment.HOMEOSTAT_REGISTRY_PASSWORD == 's3cret' && !it.parameters.contains('s3cret') }
}

test('servicePipeline: who approved is handed on to the deploy, and a rejection ends it') {
    Map question = [needed: true, question: 'q-2345678', input: 'Approval-q-2345678', message: 'Deploy?', submitters: '', seconds: 60]
    def site = new Site()
    site.answer(answers + ['approval ask': [result: question], approval: [result: [approvedBy: 'grace']]])
    def build = site.good(inputs: ['grace'], 'servicePipeline()')
    assert parametersOf(site, 8) == [image: digest, approvedBy: 'grace']
    assert build.steps.find { it.name == 'input' }.stage == 'answer'
    def rejected = new Site()
    rejected.answer(answers + ['approval ask': [result: question], approval: [exit: 6, result: error]])
    assert rejected.bad(inputs: [Stubs.interruption()], 'servicePipeline()').error.class.simpleName == 'FlowInterruptedException'
    assert !asked(rejected).contains('deploy')
}

test('servicePipeline: without credentials none are bound, and a stage has an hour') {
    def site = new Site()
    def build = site.good('servicePipeline()')
    assert !build.steps*.name.contains('withCredentials')
    assert build.steps.findAll { it.name == 'timeout' }*.given.unique() == [[time: 60, unit: 'MINUTES']]
}

test('servicePipeline: a missing credential ends it before anything is run') {
    def site = new Site()
    assert site.bad("servicePipeline(credentials: [string(credentialsId: 'none', variable: 'X')])").error.message.contains("'none'")
    assert site.calls == []
}

test('servicePipeline: skipped stages are not run, the rest is') {
    def site = new Site()
    site.good("servicePipeline(skip: ['unit', 'candidate', 'verify'])")
    assert asked(site) == ['build', 'push', 'push release', 'approval', 'deploy']
    def built = new Site()
    built.good("servicePipeline(skip: ['build', 'push'])")
    assert asked(built) == all - ['build', 'push']
    assert parametersOf(built, 1).image == null
}

test('servicePipeline: a misspelt option or stage is refused before anything is done') {
    def site = new Site()
    assert site.bad("servicePipeline(agnet: 'x', skip: [])").error.message ==
        'servicePipeline: unknown option agnet; allowed are after, agent, approval, approvedBy, before, config, credentials, skip, timeout'
    assert site.bad("servicePipeline(skip: ['unit', 'depoly'])").error.message ==
        'servicePipeline: unknown stage depoly in skip; the stages are unit, build, push, candidate, release, approval, deploy, verify'
    def build = site.bad("servicePipeline(skip: 'unit')")
    assert build.error.message == 'servicePipeline: skip is a list of stages, such as [\'unit\']'
    assert !build.steps*.name.contains('node')
}

['test unit', 'build', 'push', 'approval', 'deploy', 'test production'].each { failing ->
    test("servicePipeline: nothing follows a failed '${failing}'") {
        def site = new Site()
        site.answer(answers + [(failing): [exit: 1, result: error]])
        def build = site.bad('servicePipeline()')
        assert build.error.message == "homeostat ${failing.split(' ')[0]}: red (TEST_FAILED, exit 1): Mend it."
        assert asked(site) == all.take(all.indexOf(failing) + 1)
    }
}

test('servicePipeline: a red candidate is removed and nothing is deployed') {
    def site = new Site()
    site.answer(answers + ['test functional,integration,load': [exit: 1, result: error, reports: ['homeostat-reports/functional/a.xml': '<testsuite/>']]])
    def build = site.bad('servicePipeline()')
    assert build.error.message == 'homeostat test: red (TEST_FAILED, exit 1): Mend it.'
    assert asked(site) == all.take(5)
    assert build.reports == ['homeostat-reports/functional/a.xml']
}

test('servicePipeline: when the removal fails too, the first failure is the reason and both are in the log') {
    def site = new Site()
    site.answer(answers + ['test functional,integration,load': [exit: 1, result: error], cleanup: [exit: 8, result: [error: [code: 'ENGINE_UNREACHABLE', message: 'away', remedy: 'Start it.']]]])
    def build = site.bad('servicePipeline()')
    assert build.error.message.startsWith('homeostat test: red')
    assert build.log.any { it.contains('homeostat cleanup: away (ENGINE_UNREACHABLE, exit 8)') }
}

test('servicePipeline: a green candidate that cannot be removed is not deployed') {
    def site = new Site()
    site.answer(answers + [cleanup: [exit: 8, result: [error: [code: 'ENGINE_UNREACHABLE', message: 'away', remedy: 'Start it.']]]])
    assert site.bad('servicePipeline()').error.message.startsWith('homeostat cleanup: away')
    assert asked(site) == all.take(5)
}

test('servicePipeline: a second stop ends the removal as well, and the build stays stopped') {
    def site = new Site()
    site.answer(answers + ['test functional,integration,load': [wait: 20], cleanup: [wait: 20]])
    def build = site.bad(stops: [{ site.has('started-test') }, { site.has('started-cleanup') }], 'servicePipeline()')
    assert build.error.class.simpleName == 'FlowInterruptedException'
    assert asked(site) == all.take(5)
    assert site.has('stopped-cleanup')
}

test('servicePipeline: a stop in the deploy stage leaves the rest undone') {
    def site = new Site()
    site.answer(answers + [deploy: [wait: 20]])
    def build = site.bad(stops: [{ site.has('started-deploy') }], 'servicePipeline()')
    assert build.error.class.simpleName == 'FlowInterruptedException'
    assert asked(site) == all.take(8)
}

test('servicePipeline: two of them side by side keep apart') {
    def site = new Site()
    site.answer(answers)
    def build = site.good("return parallel(a: { servicePipeline(config: 'a.yml') }, b: { servicePipeline(config: 'b.yml', skip: ['deploy', 'verify']) })")
    assert site.calls.count { parametersOf(site, site.calls.indexOf(it)).config == 'a.yml' } == 9
    assert site.calls.count { parametersOf(site, site.calls.indexOf(it)).config == 'b.yml' } == 7
    assert build.value.a.containsKey('deploy') && !build.value.b.containsKey('deploy')
}

Map question = [needed: true, question: 'q-2345678', input: 'Approval-q-2345678', message: 'Deploy?', submitters: 'ops', seconds: 14400]

for (sandbox in [false, true]) {
    test("servicePipeline: while a person thinks no executor is held, and the same commit is deployed (${sandbox ? 'untrusted' : 'trusted'} library)") {
        def site = new Site()
        site.answer(answers + ['approval ask': [result: question], approval: [result: [approvedBy: 'grace', question: 'q-2345678']]])
        def build = site.good(sandbox: sandbox, inputs: ['grace'], credentials: [registry: ['deployer', 's3cret']], '''
            servicePipeline(agent: 'docker', timeout: 30, credentials: [usernamePassword(credentialsId: 'registry', usernameVariable: 'USER_', passwordVariable: 'PASSWORD_')])
        ''')
        assert asked(site) == all.take(7) + ['approval', 'deploy', 'test production']
        assert build.value.approval == [approvedBy: 'grace', question: 'q-2345678']
        Map input = build.steps.find { it.name == 'input' }
        assert !input.agent && input.stage == 'answer'
        assert build.steps.findAll { it.name in ['sh', 'checkout', 'readJSON', 'writeFile'] }.every { it.agent }
        assert build.steps.findAll { it.name == 'node' }*.given*.label.unique() == ['docker']
        assert build.steps.findAll { it.name == 'checkout' }*.given*.scm == [
            [$class: 'GitSCM', userRemoteConfigs: [[url: 'https://git.example/shop.git']], extensions: []],
            [$class: 'GitSCM', userRemoteConfigs: [[url: 'https://git.example/shop.git']], extensions: [], branches: [[name: '0123456789abcdef0123456789abcdef01234567']]],
        ]
        assert site.calls.every { it.environment.PASSWORD_ == 's3cret' }
        assert build.steps.findAll { it.name == 'timeout' && it.stage == 'answer' }*.given == [[time: 14400, unit: 'SECONDS']]: 'it may take longer than a stage'
    }

    test("servicePipeline: closures before and after a stage are called inside it (${sandbox ? 'untrusted' : 'trusted'} library)") {
        def site = new Site()
        site.answer(answers)
        def build = site.good(sandbox: sandbox, '''
            servicePipeline(skip: ['unit', 'verify'], before: [deploy: { echo 'before deploy' }, unit: { echo 'never' }], after: [deploy: { echo 'after deploy' }, candidate: { echo 'after candidate' }])
        ''')
        assert build.log.findAll { it =~ /before|after|never/ } == ['after candidate', 'before deploy', 'after deploy']
        assert build.steps.findAll { it.name == 'echo' }*.stage == ['candidate', 'deploy', 'deploy']
        List names = build.steps.findAll { it.stage == 'deploy' && it.name in ['echo', 'sh'] }*.name
        assert names.first() == 'echo' && names.last() == 'echo' && names.contains('sh')
    }
}

test('servicePipeline: without need of an approval there is one agent and one checkout') {
    def build = new Site().good('servicePipeline()')
    assert build.steps*.name.count { it == 'node' } == 1
    assert build.steps*.name.count { it == 'checkout' } == 1
}

test('servicePipeline: a repository that is not git is checked out as it is') {
    def site = new Site()
    site.answer(answers + ['approval ask': [result: question], approval: [result: [approvedBy: 'grace']]])
    def build = site.good(inputs: ['grace'], revision: null, 'servicePipeline()')
    assert build.steps.findAll { it.name == 'checkout' }*.given*.scm*.branches == [null, null]
}

test('servicePipeline: the approval is left out, or is asked with options of its own') {
    def site = new Site()
    site.answer(answers)
    site.good('servicePipeline(approval: false)')
    assert asked(site) == all - ['approval']
    def usual = new Site()
    usual.good('servicePipeline(approval: true)')
    assert asked(usual) == all
    def own = new Site()
    own.answer(answers)
    own.good("servicePipeline(approval: [askedBy: 'Ada', stack: 'shop'])")
    assert parametersOf(own, 6) == [image: digest, askedBy: 'Ada', stack: 'shop', ask: true]
}

test('servicePipeline: a closure that fails ends its stage: before it nothing is done, and after a failure none is called') {
    def site = new Site()
    site.answer(answers)
    assert site.bad("servicePipeline(before: [candidate: { error 'not now' }])").error.message == 'not now'
    assert asked(site) == ['test unit', 'build', 'push', 'cleanup']
    def failing = new Site()
    failing.answer(answers + [build: [exit: 1, result: error]])
    assert !failing.bad("servicePipeline(after: [build: { echo 'done' }])").log.contains('done')
    def after = new Site()
    after.answer(answers)
    assert after.bad("servicePipeline(after: [candidate: { error 'too slow' }])").error.message == 'too slow'
    assert asked(after) == all.take(5): 'the candidate is removed, and nothing is deployed'
}

test('servicePipeline: options of the wrong kind are refused before anything is done') {
    Map wrong = [
        "before: { }": 'servicePipeline: before is a map of stages and closures, such as [deploy: { echo \'now\' }]',
        "after: [deploy: 'x']": 'servicePipeline: after is a map of stages and closures, such as [deploy: { echo \'now\' }]',
        "before: [depoly: { }]": 'servicePipeline: unknown stage depoly in before; the stages are unit, build, push, candidate, release, approval, deploy, verify',
        "approval: 'yes'": 'servicePipeline: approval is true, false or a map of options of the step approval, such as [stack: \'shop\']',
    ]
    wrong.each { option, message ->
        for (sandbox in [false, true]) {
            def build = new Site().bad(sandbox: sandbox, "servicePipeline(${option})")
            assert build.error.message == message
            assert !build.steps*.name.contains('node')
        }
    }
}
