import harness.Site
import static harness.Suite.test

/** The harness itself: what Jenkins would trip over must not pass here. */

Site site() { new Site() }

test('harness: a variable that cannot be saved across a step fails, with the place') {
    for (unsaved in ["('abc' =~ /b/)", "new groovy.json.JsonSlurper().parseText('{\"a\": 1}')"]) {
        def build = site().build().run("def kept = ${unsaved}\necho 'between'\necho kept.toString()")
        assert build.error instanceof NotSerializableException
        assert build.error.message.contains('.groovy:2')
    }
}

test('harness: the same variable inside @NonCPS is fine') {
    assert site().good("@NonCPS def find() { def m = 'abc' =~ /b/; m.find() }\necho 'a'\nreturn find()").value == true
}

test('harness: locals, shared variables of branches and fields survive a restart at every step') {
    def build = site().good('''
        def seen = []
        int total = 0
        parallel(
            one: { for (i in [1, 2]) { echo "one ${i}"; total += i; seen << "one${i}".toString() } },
            two: { [3, 4].each { echo "two ${it}"; total += it; seen << "two${it}".toString() } })
        return [total, seen.sort()]
    ''')
    assert build.value == [10, ['one1', 'one2', 'two3', 'two4']]
    assert build.log == ['one 1', 'two 3', 'one 2', 'two 4']
}

test('harness: a failed branch fails the build after all branches ended') {
    def build = site().bad('parallel(bad: { error("red") }, good: { echo("a"); echo("b") })')
    assert build.error.message == 'red'
    assert build.log == ['a', 'b']
}

test('harness: an interpolated script of sh is a violation') {
    assert site().build().run('def x = 1\nsh "echo ${x}"').violations.any { it.contains('interpolated') }
}

test('harness: unknown steps, parameters and missing bodies are named') {
    assert site().build().run('shh("x")').error.message.contains("No such DSL method 'shh'")
    assert site().build().run('sh(script: "true", returnStatsu: true)').violations == ['sh has no parameter returnStatsu (Jenkinsfile' + (counter()) + '.groovy:1)']
    assert site().build().run('withEnv([])').error instanceof IllegalStateException
}

String counter() { harness.Compiler.of(false).@scripts }

test('harness: what CPS gets wrong is a violation') {
    assert site().build().run('def l = [2, 1]; l.sort { it }; echo "a"').violations.any { it.contains('expected to call') }
    assert site().build().run('@NonCPS def bad() { echo("one"); echo("two") }\nbad()').violations.any { it.contains('expected to call') }
}

test('harness: withEnv takes values literally, an empty one removes, PATH+X prepends') {
    def site = new Site()
    site.environment.GONE = 'x'
    def build = site.good('''
        withEnv(['A=x $HOME $$ " y', 'GONE=', 'PATH+X=/d']) {
            return sh(returnStdout: true, script: 'echo "$A|${GONE-unset}|${PATH%%:*}"')
        }
    ''')
    assert build.value == 'x $HOME $$ " y|unset|/d\n'
}

test('harness: sh stops at the first failing command and names the exit code') {
    assert site().bad("sh 'false; touch no'").error.message == 'script returned exit code 1'
}

test('harness: the sandbox rejects what script-security rejects') {
    for (script in ["'id'.execute()", "new File('/etc/passwd')", "System.getenv('HOME')", "Class.forName('x')", "groovy.json.JsonOutput.toJson([1])",
        "def c = { 'id'.execute() }; c()", "['x'] as File", 'Thread.sleep(1)', "this.metaClass = null", "evaluate('1')"]) {
        def build = site().build(sandbox: true).run(script)
        assert build.error?.class?.simpleName in ['RejectedAccessException', 'SecurityException'], script
    }
}
