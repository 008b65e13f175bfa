import groovy.json.JsonOutput
import groovy.json.JsonSlurperClassic
import harness.Site
import harness.Strict
import static harness.Suite.test

/** What the doctor asks a Jenkins as an administrator: on the Groovy of Jenkins, against objects that know no more than they have to. */

class Scene {
    static final String text = new File(Site.project, 'resources/jenkins/doctor.groovy').getText('UTF-8')
    /** Classes of Jenkins under their real names: what they answer is in the holder, and any other call on them fails. */
    static final Map<String, String> core = [
        'jenkins.model.Jenkins': 'class Jenkins { static final String ADMINISTER = "administer"; static Object get() { Holder.answers.jenkins } }',
        'jenkins.model.JenkinsLocationConfiguration': 'class JenkinsLocationConfiguration { static Object get() { Holder.answers.location } }',
        'jenkins.security.ApiTokenProperty': 'class ApiTokenProperty { }',
        'hudson.model.Item': 'class Item { static final String READ = "read", BUILD = "build", CONFIGURE = "configure" }',
        'hudson.model.Label': 'class Label { static Object parseExpression(String text) { Holder.answers.label(text) } }',
        'hudson.model.User': 'class User { static Object getById(String id, boolean create) { assert !create; Holder.answers.users[id] } }',
        'hudson.util.RemotingDiagnostics': 'class RemotingDiagnostics { static String executeGroovy(String text, Object channel) { channel.run(text) } }',
    ]
    static final Map<String, String> plugins = [
        'org.jenkinsci.plugins.workflow.libs.GlobalLibraries': 'class GlobalLibraries { static Object get() { Holder.answers.libraries } }',
        'org.jenkinsci.plugins.workflow.job.properties.DisableConcurrentBuildsJobProperty': 'class DisableConcurrentBuildsJobProperty { }',
        'hudson.plugins.git.ApiTokenPropertyConfiguration': 'class ApiTokenPropertyConfiguration { static Object get() { Holder.answers.hooks } }',
    ]

    Map answers = well()
    Map asked = [job: 'team/service-scale', user: 'alertmanager', label: 'docker && linux']
    Map<String, String> classes = core + plugins

    static Strict channel(Closure run) { new Strict([run: run], 'Channel') }

    static Map well() {
        def node = new Strict([:], 'Node')
        def channel = channel { text -> 'node=v20.19.2\ndocker=26.1.5\n' }
        def oneByOne = new Strict([abortPrevious: true], 'DisableConcurrentBuildsJobProperty')
        def may = { List rights -> { who, right -> assert who == 'alertmanager, impersonated'; right in rights } }
        def job = new Strict([fullName: 'team/service-scale', quietPeriod: 5, getProperty: { type -> assert type.simpleName == 'DisableConcurrentBuildsJobProperty'; oneByOne },
            hasPermission2: may(['read', 'build'])], 'WorkflowJob')
        def items = [job, new Strict([fullName: 'team/shop', hasPermission2: may(['read'])], 'Item'), new Strict([fullName: 'hidden', hasPermission2: may([])], 'Item')]
        def library = { Map more -> new Strict(more, 'LibraryConfiguration') }
        def retriever = { scm -> new Strict([scm: scm], 'SCMRetriever') }
        return [
            location: new Strict([url: 'https://ci.example/'], 'JenkinsLocationConfiguration'),
            jenkins: new Strict([
                pluginManager: new Strict([plugins: [
                    new Strict([shortName: 'git', version: '5.7.0', active: true], 'PluginWrapper'),
                    new Strict([shortName: 'junit', version: '1369.v15da_00283f06', active: false], 'PluginWrapper'),
                ]], 'PluginManager'),
                getItemByFullName: { name -> name == 'team/service-scale' ? job : null },
                getAllItems: { type -> items },
                hasPermission2: may([]),
                computers: [
                    new Strict([name: '', online: true, numExecutors: 2, node: node, channel: channel], 'Computer'),
                    new Strict([name: 'größe', online: false, offlineCauseReason: 'the connection broke', numExecutors: 1, node: node], 'Computer'),
                    new Strict([name: 'idle', numExecutors: 0, node: node], 'Computer'),
                    new Strict([name: 'gone', node: null], 'Computer'),
                    new Strict([name: 'windows', online: false, offlineCauseReason: null, numExecutors: 1, node: new Strict([:], 'Windows')], 'Computer'),
                ],
            ], 'Jenkins'),
            label: { text -> assert text == 'docker && linux'; new Strict([matches: { it.is(node) }], 'Label') },
            users: [alertmanager: new Strict([impersonate2: { -> 'alertmanager, impersonated' }, getProperty: { type -> new Strict([tokenList: [1, 2]], 'ApiTokenProperty') }], 'User')],
            libraries: new Strict([libraries: [
                library(name: 'homeostat', defaultVersion: 'v1', retriever: retriever(new Strict([remote: 'https://ci:s3cret@git.example/homeostat.git'], 'GitSCMSource'))),
                library(name: 'old', defaultVersion: null, retriever: retriever(new Strict([remote: Strict.ABSENT, userRemoteConfigs: [new Strict([url: 'ssh://git.example/old.git'], 'UserRemoteConfig')]], 'GitSCM'))),
                library(name: 'other', defaultVersion: 'main', retriever: retriever(new Strict([remote: Strict.ABSENT, userRemoteConfigs: Strict.ABSENT], 'SubversionSCM'))),
            ]], 'GlobalLibraries'),
            hooks: new Strict([apiTokens: [1]], 'ApiTokenPropertyConfiguration'),
        ]
    }

    /** The document that the script prints. */
    Map run() {
        GroovyClassLoader loader = new GroovyClassLoader(Scene.classLoader)
        loader.parseClass('package holder; class Holder { static Map answers }').answers = answers
        classes.each { name, source -> loader.parseClass("package ${name.substring(0, name.lastIndexOf('.'))}\nimport holder.Holder\n${source}") }
        StringWriter out = new StringWriter()
        String names = JsonOutput.toJson(asked).getBytes('UTF-8').encodeBase64().toString()
        Strict.violations.clear()
        Object result = new GroovyShell(loader, new Binding(out: new PrintWriter(out, true))).evaluate(text.replace('@ASKED@', names), 'Script1.groovy')
        assert result == null: 'Jenkins would print it behind the document'
        assert out.toString().readLines().size() == 1
        assert Strict.violations == []
        return new JsonSlurperClassic().parseText(out.toString()) as Map
    }
}

Map expected() { new JsonSlurperClassic().parse(new File(Site.project, 'test/jenkins/fixtures/inside.json'), 'UTF-8') as Map }

test('doctor.groovy: tells what only an administrator knows, and asks nothing else of Jenkins') {
    assert new Scene().run() == expected() + [java: System.getProperty('java.specification.version')]
}

test('doctor.groovy: a plugin that is missing costs its own part only') {
    def scene = new Scene(classes: Scene.core)
    Map told = scene.run()
    assert told.problems.keySet() == ['libraries', 'hookTokens', 'job'] as Set
    assert told.problems.libraries.contains('MissingPropertyException')
    assert told.user == expected().user && told.agents == expected().agents && told.plugins == expected().plugins
}

test('doctor.groovy: no such job, no such user, no label') {
    def scene = new Scene(asked: [job: 'none', user: 'nobody', label: ''])
    Map told = scene.run()
    assert told.job == null && told.user == null && told.problems == [:]
    assert told.agents*.name == ['', 'größe', 'windows']
}

test('doctor.groovy: names are data, whatever is in them') {
    def scene = new Scene(asked: [job: '\'); System.exit(3) // ${1/0}', user: '"""\n', label: 'docker && linux'])
    Map told = scene.run()
    assert told.job == null && told.user == null
}

test('doctor.groovy: an agent that gives no answer, or an error, is not waited for') {
    def scene = new Scene()
    def computers = scene.answers.jenkins.computers
    def node = computers[0].node
    computers.clear()
    computers << new Strict([name: 'slow', online: true, numExecutors: 1, node: node, channel: Scene.channel { text -> Thread.sleep(20_000) }], 'Computer')
    computers << new Strict([name: 'broken', online: true, numExecutors: 1, node: node, channel: Scene.channel { text -> throw new IOException('the channel is closed') }], 'Computer')
    long start = System.currentTimeMillis()
    Map told = scene.run()
    assert System.currentTimeMillis() - start < 2500
    assert told.agents == [[name: 'slow', online: true, reason: null, answer: null], [name: 'broken', online: true, reason: null, answer: 'java.io.IOException: the channel is closed']]
}

test('doctor.groovy: on the agent it asks for the versions of node and docker') {
    for (change in [[:], [node: 'no-such-program', docker: 'false'], [docker: 'sleep', version: '20']]) {
        def scene = new Scene()
        def computer = scene.answers.jenkins.computers.first()
        scene.answers.jenkins.computers.clear()
        scene.answers.jenkins.computers << new Strict([name: 'a', online: true, numExecutors: 1, node: computer.node, channel: Scene.channel { text ->
            StringWriter out = new StringWriter()
            String changed = change.inject(text) { all, name, other -> all.replace("'${name}'", "'${other}'") }
            if (change.version) {
                changed = changed.replace(", '--format', '{{.Server.Version}}'", '')
            }
            assert new GroovyShell(new Binding(out: new PrintWriter(out, true))).evaluate(changed) == null
            out.toString()
        }], 'Computer')
        List lines = scene.run().agents.first().answer.readLines()
        if (change.node) {
            assert lines == ['node=none', 'docker=none']
        } else if (change.docker) {
            assert lines[1] == 'docker=late'
        } else {
            assert lines[0] ==~ /node=v\d+\.\d+\.\d+/ && lines[1] ==~ /docker=(none|late|\d+\..*)/
        }
    }
}

test('doctor.groovy: nothing in it changes, saves or starts anything') {
    String code = Scene.text.replaceAll(/(?s)\/\*.*?\*\//, '').replaceAll('executeGroovy', '')
    def changing = code =~ /\b(save|set[A-Z]\w*|add[A-Z]?\w*|remove\w*|delete\w*|create\w*|reload\w*|restart\w*|cancel\w*|interrupt\w*|kill\w*|schedule\w*|build\(|do[A-Z]\w*|execute\w*|write\w*|File|FileWriter|metaClass|revoke\w*|generate\w*)\b/
    assert changing.collect { it[0] } == []
}
