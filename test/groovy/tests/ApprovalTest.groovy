import groovy.json.JsonSlurperClassic
import harness.Site
import harness.Stubs
import static harness.Suite.test

/** The wait for a person: the question is the runner's, the input is Jenkins', and the first answer counts. */

Map asked = [needed: true, question: 'q-2345678', input: 'Approval-q-2345678', message: 'Deploy shop to shop?', submitters: 'ada,ops', seconds: 1800]
Map rejected = [error: [code: 'APPROVAL_REJECTED', message: 'the deploy of shop was rejected', remedy: 'Talk to who rejected it.']]
String script = "return approval(image: 'shop@sha256:1')"

List<Map> parametersOf(Site site) { site.calls.collect { new JsonSlurperClassic().parseText(it.parameters) as Map } }

for (sandbox in [false, true]) {
    test("approval: asks, waits for the input, and uses what was decided (${sandbox ? 'untrusted' : 'trusted'} library)") {
        def site = new Site()
        site.answer(['approval ask': [result: asked], approval: [result: [approvedBy: 'grace']]])
        def build = site.good(sandbox: sandbox, inputs: ['grace'], script)
        assert build.value == [approvedBy: 'grace']
        assert parametersOf(site) == [[image: 'shop@sha256:1', ask: true], [result: 'q-2345678', choice: 'approve', by: 'grace']]
        assert build.steps.find { it.name == 'input' }.given ==
            [id: 'Approval-q-2345678', message: 'Deploy shop to shop?', ok: 'Approve', submitter: 'ada,ops', submitterParameter: 'by']
        assert build.steps.find { it.name == 'timeout' }.given == [time: 1800, unit: 'SECONDS']
    }
}

test('approval: without need of one it neither waits nor asks again') {
    def site = new Site()
    site.answer(['approval ask': [result: [needed: false]]])
    def build = site.good(script)
    assert build.value == [needed: false]
    assert site.calls.size() == 1
    assert !build.steps*.name.contains('input')
}

test('approval: an input that is rejected, or stopped, or over its time is recorded, and the build stays stopped') {
    def site = new Site()
    site.answer(['approval ask': [result: asked], approval: [exit: 6, result: rejected]])
    def build = site.bad(inputs: [Stubs.interruption()], script)
    assert build.error.class.simpleName == 'FlowInterruptedException'
    assert parametersOf(site)[1] == [result: 'q-2345678', choice: 'reject']
    assert build.log.any { it.contains('the deploy of shop was rejected (APPROVAL_REJECTED, exit 6)') }
    assert build.steps.find { it.name == 'catchError' }.given == [message: 'the deploy was not approved', buildResult: 'ABORTED', stageResult: 'ABORTED']
}

test('approval: who presses the button and may not approve gets the error of the runner') {
    def site = new Site()
    Map error = [error: [code: 'ANSWER_REFUSED', message: 'the answer was not taken', remedy: 'Look who may decide.']]
    site.answer(['approval ask': [result: asked], approval: [exit: 6, result: error]])
    assert site.bad(inputs: ['eve'], script).error.message.contains('ANSWER_REFUSED, exit 6')
}

test('approval: a question that cannot be asked ends it before it waits') {
    def site = new Site()
    site.answer(['approval ask': [exit: 8, result: [error: [code: 'SWARM_MISSING', message: 'no Swarm', remedy: 'Make one.']]]])
    def build = site.bad(script)
    assert build.error.message == 'homeostat approval: no Swarm (SWARM_MISSING, exit 8): Make one.'
    assert !build.steps*.name.contains('input')
}

test('approval: hands on an unknown parameter for the runner to refuse, and a stop of the asking is a stop') {
    assert new Site('real').bad("approval(nonsense: 1)").error.message.contains("unknown parameter 'nonsense'")
    def site = new Site()
    site.answer(['approval ask': [wait: 20]])
    def build = site.bad(stops: [{ site.has('started-approval') }], script)
    assert build.error.class.simpleName == 'FlowInterruptedException'
    assert site.calls.size() == 1
}
