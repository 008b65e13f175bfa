import groovy.json.JsonOutput
import groovy.json.JsonSlurperClassic
import harness.Site
import static harness.Suite.test

/** The one step that all others go through: what reaches the runner, and what comes back. */

for (sandbox in [false, true]) {
    String kind = sandbox ? 'untrusted library' : 'trusted library'

    test("homeostat: runs the command and returns its result (${kind})") {
        def site = new Site()
        site.environment.DEBUG = '*'
        site.answer(build: [result: [image: 'a:1', seconds: 3, list: [1, [deep: null]]]])
        def build = site.good(sandbox: sandbox, "def r = homeostat(command: 'build', parameters: [tag: '1'])\necho 'later'\nreturn r")
        assert build.value == [image: 'a:1', seconds: 3, list: [1, [deep: null]]]
        assert site.calls*.arguments == [['build']]
        assert site.calls[0].parameters == '{"tag":"1"}'
        assert !site.calls[0].environment.containsKey('DEBUG')
        assert build.steps.find { it.name == 'libraryResource' }.place ==~ /homeostat\.groovy:\d+/
    }

    test("homeostat: a failure becomes one error (${kind})") {
        def site = new Site()
        site.answer(deploy: [exit: 3, result: [error: [code: 'ROLLOUT_FAILED', exitCode: 3, message: 'the release is bad', remedy: 'Mend it.']]])
        assert site.bad(sandbox: sandbox, "homeostat(command: 'deploy')").error.message ==
            'homeostat deploy: the release is bad (ROLLOUT_FAILED, exit 3): Mend it.'
    }

    test("homeostat: calls in parallel do not disturb each other, not even when the runner must be installed (${kind})") {
        def site = new Site()
        site.answer((1..4).collectEntries { ["c${it}" as String, [wait: 0.1, result: [n: it]]] })
        def build = site.good(sandbox: sandbox, """
            def results = [:]
            Map branches = [:]
            for (i in [1, 2, 3, 4]) {
                String name = "c" + i
                branches[name] = { results[name] = homeostat(command: name, parameters: [own: name]) }
            }
            parallel(branches)
            return results
        """)
        assert build.value == (1..4).collectEntries { ["c${it}" as String, [n: it]] }
        assert site.calls.every { new JsonSlurperClassic().parseText(it.parameters).own == it.command }
        assert site.calls*.environment*.HOMEOSTAT_RESULT.unique().size() == 4
        assert site.installed.exists() && site.temporaryFolder.list().findAll { it.contains('.part') } == []
    }
}

test('homeostat: odd values reach the runner unharmed and nothing of them is run') {
    def site = new Site()
    def values = [
        quotes: '''it's "quoted" `id`''', substitution: '$(touch canary) ${HOME} $$ `touch canary`', lines: 'one\ntwo\r\n\tthree', backslash: 'a\\b\\\\n\\u0041',
        unicode: 'Grüße, 世界 🚢 \u0000 \u2028', long: 'x' * 300, dashes: '--force', semicolon: '; touch canary #', glob: '* ? [a] ~', percent: '%s %n %00',
        empty: '', blank: ' ', none: null, number: 42, fraction: 1.5, yes: true, list: ['a b', '$(touch canary)', ''], equals: 'A=B=C',
    ]
    new File(site.root, 'values.json').setText(JsonOutput.toJson(values), 'UTF-8')
    site.good("homeostat(command: 'build', parameters: readJSON(file: '${site.root}/values.json', returnPojo: true))")
    assert new JsonSlurperClassic().parseText(site.calls[0].parameters) == values
    assert !new File(site.workspace, 'canary').exists()
}

test('homeostat: an interpolated value is a plain one for the runner') {
    def site = new Site()
    site.good('def tag = "1.2"\nhomeostat(command: "bui" + "${"ld"}", parameters: [image: "shop:${tag}", list: ["${tag}"]])')
    assert site.calls[0].parameters == '{"image":"shop:1.2","list":["1.2"]}'
}

test('homeostat: an odd command is one argument of the runner') {
    for (command in ['$(touch canary)', '; touch canary', '--help me', '"', '']) {
        def site = new Site()
        site.good("homeostat(command: '${command}')")
        assert site.calls[0].arguments == [command]
        assert !new File(site.workspace, 'canary').exists()
    }
}

test('homeostat: every exit code is in the error') {
    def site = new Site()
    for (exit in [1, 2, 3, 4, 5, 6, 7, 8, 143]) {
        site.answer(test: [exit: exit, result: [error: [code: "C${exit}", exitCode: exit, message: 'm', remedy: 'r']]])
        def build = site.bad("homeostat(command: 'test')")
        assert build.error.class.name == 'hudson.AbortException'
        assert build.error.message == "homeostat test: m (C${exit}, exit ${exit}): r"
    }
}

test('homeostat: no result, or a broken one, is said so with the exit code') {
    def site = new Site()
    for (answer in [[none: true], [raw: ''], [raw: '{"image": "a'], [raw: '[1]'], [raw: '"text"'], [raw: 'null'], [raw: '{"error": {"code": "X"']]) {
        for (exit in [0, 1]) {
            site.answer(build: answer + [exit: exit])
            assert site.bad("homeostat(command: 'build')").error.message ==
                "homeostat build: the runner left no readable result (RESULT_MISSING, exit ${exit}): Read its output above."
        }
    }
}

test('homeostat: a runner killed outright leaves no result') {
    def site = new Site('node')
    site.library("process.kill(process.pid, 'SIGKILL')")
    assert site.bad("homeostat(command: 'build')").error.message.contains('(RESULT_MISSING, exit 137)')
}

test('homeostat: exit code and result that contradict each other are a failure') {
    def site = new Site()
    site.answer(build: [exit: 0, result: [error: [code: 'X', message: 'm', remedy: 'r']]])
    assert site.bad("homeostat(command: 'build')").error.message == 'homeostat build: m (X, exit 0): r'
    site.answer(build: [exit: 5, result: [image: 'a']])
    assert site.bad("homeostat(command: 'build')").error.message.contains('exit 5')
}

test('homeostat: the error is one line, whatever the message holds') {
    def site = new Site()
    site.answer(build: [exit: 1, result: [error: [code: 'X', message: 'one\ntwo  "three" $(id)\t$1 \\1', remedy: 'a\r\nb']]])
    assert site.bad("homeostat(command: 'build')").error.message == 'homeostat build: one two "three" $(id) $1 \\1 (X, exit 1): a b'
}

test('homeostat: what the runner prints is in the log') {
    def site = new Site('node')
    site.library("console.error('to err'); console.log('to out'); require('node:fs').writeFileSync(process.env.HOMEOSTAT_RESULT, '{}')")
    def build = site.good("homeostat(command: 'build')")
    assert build.log == ['to out', 'to err']
}

test('homeostat: a stop ends the runner with SIGTERM and goes on as a stop') {
    def site = new Site()
    site.answer(deploy: [wait: 20])
    def build = site.bad(stops: [{ site.has('started-deploy') }], '''
        try {
            homeostat(command: 'deploy')
            echo 'not reached'
        } finally {
            echo 'after'
        }
    ''')
    assert build.error.class.simpleName == 'FlowInterruptedException'
    assert site.has('stopped-deploy')
    assert build.log.last() == 'after' && !build.log.contains('not reached')
}

test('homeostat: a stop ends all parallel calls') {
    def site = new Site()
    site.answer(one: [wait: 20], two: [wait: 20])
    def build = site.bad(stops: [{ site.has('started-one') && site.has('started-two') }], "parallel(a: { homeostat(command: 'one') }, b: { homeostat(command: 'two') })")
    assert build.error.class.simpleName == 'FlowInterruptedException'
    assert site.has('stopped-one') && site.has('stopped-two')
}

test('homeostat: an unknown option is refused before anything is run') {
    def site = new Site()
    assert site.bad("homeostat(command: 'build', image: 'a', paramters: [:])").error.message ==
        'homeostat: unknown option image, paramters; allowed are command and parameters'
    assert site.calls == []
}

test('homeostat: works inside dir, with credentials, and leaves the workspace clean') {
    def site = new Site()
    site.good(credentials: [slack: ['s3cret']], '''
        dir('sub/folder') {
            withCredentials([string(credentialsId: 'slack', variable: 'HOMEOSTAT_SLACK_TOKEN')]) { homeostat(command: 'deploy') }
        }
    ''')
    assert site.calls[0].environment.HOMEOSTAT_SLACK_TOKEN == 's3cret'
    assert !site.calls[0].parameters.contains('s3cret')
    assert new File(site.workspace, 'sub/folder').list().toList() == []
}

test('homeostat: old results are removed, young ones stay') {
    def site = new Site()
    site.temporaryFolder.mkdirs()
    def old = new File(site.temporaryFolder, 'homeostat-old.json')
    def part = new File(site.temporaryFolder, 'homeostat-old.json.part')
    def young = new File(site.temporaryFolder, 'homeostat-young.json')
    def foreign = new File(site.temporaryFolder, 'secretFiles')
    [old, part, young, foreign].each { it.text = '{}' }
    [old, part, foreign].each { it.lastModified = System.currentTimeMillis() - 25 * 3_600_000 }
    site.good("homeostat(command: 'build')")
    assert !old.exists() && !part.exists() && young.exists() && foreign.exists()
}

test('homeostat: the real runner refuses an unknown command and names the nearest') {
    def build = new Site('real').bad("homeostat(command: 'bulid')")
    assert build.error.message.startsWith("homeostat bulid: unknown command 'bulid'")
    assert build.error.message.contains('build') && build.error.message.contains('(USAGE_INVALID, exit 2): Use one of: build, test')
}

test('homeostat: the real runner takes the parameters and refuses one that does not exist') {
    def build = new Site('real').bad("homeostat(command: 'doctor', parameters: [debgu: true])")
    assert build.error.message.contains("HOMEOSTAT_PARAMETERS: unknown parameter 'debgu' (did you mean 'debug'?)")
    assert build.error.message.contains('(USAGE_INVALID, exit 2)')
}

test('homeostat: a value that no shell would survive comes back from the real runner as it was') {
    def build = new Site('real').bad('''homeostat(command: 'doctor', parameters: [debug: 'ü "$(touch canary)" \\'x\\''])''')
    assert build.error.message.contains('''HOMEOSTAT_PARAMETERS.debug: 'ü "$(touch canary)" 'x'' is not true or false''')
}
