import groovy.json.JsonSlurperClassic
import harness.Site
import harness.Stubs
import static harness.Suite.test

/** What is left of a pipeline that is stopped, runs out of time, or loses its agent: in each stage, at any time, also while it cleans up. */

List<String> asked(Site site) {
    return site.calls.collect { call ->
        Map parameters = new JsonSlurperClassic().parseText(call.parameters) as Map
        [call.command, parameters.only ?: (parameters.release ? 'release' : null) ?: (parameters.ask ? 'ask' : null)].findAll().join(' ')
    }
}

Map question = [needed: true, question: 'q-2345678', input: 'Approval-q-2345678', message: 'Deploy?', submitters: '', seconds: 60]
Map answers = [push: [result: [reference: 'shop@sha256:1']], 'approval ask': [result: question], approval: [result: [approvedBy: 'grace']]]
List<String> all = ['test unit', 'build', 'push', 'test functional,integration,load', 'cleanup', 'push release', 'approval ask', 'approval', 'deploy', 'test production']
Map stages = [unit: 'test unit', build: 'build', push: 'push', candidate: 'test functional,integration,load', release: 'push release', approval: 'approval ask', deploy: 'deploy', verify: 'test production']

/** Calls up to the one of that stage, and what tidies up after it. */
List<String> until(List<String> all, String call) {
    List<String> calls = all.take(all.indexOf(call) + 1)
    return call == 'test functional,integration,load' ? calls + ['cleanup'] : calls
}

stages.each { stage, call ->
    String started = "started-${call.split(' ').first()}"

    test("stress: a stop in the stage ${stage} ends the runner, is passed on, and nothing follows but the removal") {
        def site = new Site()
        site.answer(answers + [(call): [wait: 20]])
        def build = site.bad(inputs: ['grace'], stops: [{ site.has(started) }], 'servicePipeline()')
        assert build.error.class.simpleName == 'FlowInterruptedException'
        assert site.has(started.replace('started', 'stopped'))
        assert asked(site) == until(all, call)
        assert build.steps.findAll { it.name == 'sh' }.every { it.agent }
    }

    test("stress: an agent that is lost in the stage ${stage} ends the build with that as its reason") {
        def site = new Site()
        site.answer(answers + [(call): [wait: 20]])
        def build = site.bad(inputs: ['grace'], losses: [{ site.has(started) }], 'servicePipeline()')
        assert build.error.class.simpleName == 'ChannelClosedException'
        assert asked(site) == all.take(all.indexOf(call) + 1): 'nothing can be called where the agent is gone'
    }
}

test('stress: when the agent is lost with a candidate, the log says that it could not be removed, and the first reason stays') {
    def site = new Site()
    site.answer(answers + ['test functional,integration,load': [wait: 20]])
    def build = site.bad(losses: [{ site.has('started-test') }], 'servicePipeline()')
    assert build.error.message == 'the agent is gone'
    Map tidying = build.steps.find { it.name == 'catchError' }
    assert tidying.given.message == 'the candidate could not be removed: the next pipeline or `homeostat cleanup` removes it'
    assert build.log.any { it.contains('ChannelClosedException') }
}

test('stress: a stage that takes too long is stopped, and its candidate is removed') {
    def site = new Site()
    site.answer(answers + ['test functional,integration,load': [wait: 60]])
    def build = site.bad(minute: 2000, 'servicePipeline(timeout: 1)')
    assert build.error.class.simpleName == 'FlowInterruptedException'
    assert asked(site) == all.take(5)
    assert site.has('stopped-test')
}

test('stress: the removal has its own end: a second stop, or a lost agent, while it cleans up') {
    for (trouble in ['stops', 'losses']) {
        def site = new Site()
        site.answer(answers + ['test functional,integration,load': [wait: 20], cleanup: [wait: 20]])
        Map troubles = trouble == 'stops' ? [stops: [{ site.has('started-test') }, { site.has('started-cleanup') }]] : [stops: [{ site.has('started-test') }], losses: [{ site.has('started-cleanup') }]]
        def build = site.bad(troubles, 'servicePipeline()')
        assert build.error.class.simpleName == 'FlowInterruptedException': 'the first reason stays'
        assert asked(site) == all.take(5)
    }
}

test('stress: a stop, or the end of the time, while a person thinks is recorded from an agent of its own') {
    def site = new Site()
    site.answer(answers)
    def build = site.bad(inputs: [Stubs.interruption()], 'servicePipeline()')
    assert build.error.class.simpleName == 'FlowInterruptedException'
    assert asked(site) == until(all, 'approval ask') + ['approval']
    assert new JsonSlurperClassic().parseText(site.calls.last().parameters) == [result: 'q-2345678', choice: 'reject']
    assert build.steps.count { it.name == 'node' } == 2
}
