import groovy.json.JsonSlurperClassic
import harness.Compiler
import harness.Site
import static harness.Suite.test

/** Every step keeps the same conventions; servicePipeline has its own tests. */

Map commands = [imageBuild: 'build', imageTest: 'test', imagePush: 'push', serviceDeploy: 'deploy', serviceRollback: 'rollback', notifySlack: 'notify', serviceScale: 'scale', serviceHold: 'hold']

test('steps: the table below names every step of the library') {
    List<String> steps = Compiler.vars.list().findAll { it.endsWith('.groovy') }.collect { it - '.groovy' }
    assert steps as Set == commands.keySet() + ['homeostat', 'servicePipeline', 'approval']
}

commands.each { step, command ->
    for (sandbox in [false, true]) {
        String kind = sandbox ? 'untrusted' : 'trusted'

        test("${step}: hands its parameters to homeostat ${command} and returns the result (${kind})") {
            def site = new Site()
            site.answer((command): [result: [answer: step]])
            def build = site.good(sandbox: sandbox, "return ${step}(config: 'a b.yml', image: 'shop:1', odd: '\$(id)')")
            assert build.value == [answer: step]
            assert site.calls*.command == [command]
            assert new JsonSlurperClassic().parseText(site.calls[0].parameters) == [config: 'a b.yml', image: 'shop:1', odd: '$(id)']
        }
    }

    test("${step}: needs no parameters, and hands on an unknown one for the runner to refuse") {
        def site = new Site()
        site.good("${step}()")
        site.good("${step}(command: 'down', parameters: [a: 1])")
        assert site.calls*.command == [command, command]
        assert site.calls*.parameters == ['{}', '{"command":"down","parameters":{"a":1}}']
        assert new Site('real').bad("${step}(nonsense: 1)").error.message.contains("unknown parameter 'nonsense'")
    }

    test("${step}: fails with the runner's error, and can be caught") {
        def site = new Site()
        site.answer((command): [exit: 2, result: [error: [code: 'CONFIG_MISSING', message: 'no homeostat.yml', remedy: 'Create it.']]])
        assert site.bad("${step}()").error.message == "homeostat ${command}: no homeostat.yml (CONFIG_MISSING, exit 2): Create it."
        assert site.good("try { ${step}() } catch (hudson.AbortException e) { return e.message }").value.startsWith("homeostat ${command}:")
    }

    test("${step}: ends with a stop of the build") {
        def site = new Site()
        site.answer((command): [wait: 20])
        def build = site.bad(stops: [{ site.has("started-${command}") }], "${step}()")
        assert build.error.class.simpleName == 'FlowInterruptedException'
        assert site.has("stopped-${command}")
    }

    test("${step}: works in a closure, as in the steps of a declarative pipeline, and beside others in parallel") {
        def site = new Site()
        site.good("def steps = { body -> body() }\nsteps { ${step}(tag: '1') }\nparallel(a: { serviceDeploy() }, b: { ${step}(tag: '2') })")
        assert site.calls.count { it.command == command } == (command == 'deploy' ? 3 : 2)
    }
}

test('imageTest: collects the reports of green and of red tests') {
    def site = new Site()
    for (exit in [0, 1]) {
        site.answer(test: [exit: exit, reports: ['homeostat-reports/unit/a.xml': '<testsuite/>', 'homeostat-reports/b.xml': '', 'homeostat-reports/log.txt': ''],
            result: exit == 0 ? [tests: []] : [error: [code: 'TEST_FAILED', message: 'red', remedy: 'Mend it.']]])
        def build = exit == 0 ? site.good('imageTest()') : site.bad('imageTest()')
        assert build.steps*.name.count { it == 'junit' } == 1
        assert build.reports.sort() == ['homeostat-reports/b.xml', 'homeostat-reports/unit/a.xml']
    }
}

test('imageTest: collects the reports after a stop, and none of an earlier call') {
    def site = new Site()
    File old = new File(site.workspace, 'homeostat-reports/unit/old.xml')
    old.parentFile.mkdirs()
    old.text = '<testsuite/>'
    site.answer(test: [wait: 20])
    def build = site.bad(stops: [{ site.has('started-test') }], 'imageTest()')
    assert build.error.class.simpleName == 'FlowInterruptedException'
    assert build.steps*.name.contains('junit')
    assert build.reports == []
}

test('imageTest: the reports are beside homeostat.yml') {
    def site = new Site()
    File old = new File(site.workspace, 'shop/homeostat-reports/unit/old.xml')
    old.parentFile.mkdirs()
    old.text = '<testsuite/>'
    site.answer(test: [reports: ['shop/homeostat-reports/unit/a.xml': '<testsuite/>']])
    assert site.good(sandbox: true, "imageTest(config: 'shop/homeostat.yml')").reports == ['shop/homeostat-reports/unit/a.xml']
    assert !old.exists()
}
