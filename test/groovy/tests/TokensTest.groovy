import groovy.json.JsonOutput
import harness.JobDsl
import harness.Site
import harness.Stubs
import static harness.Suite.test

/** resources/jenkins/tokens.groovy, against stand-ins that have the methods of Jenkins' users that it may call, and no others. */

File script = new File(Site.project, 'resources/jenkins/tokens.groovy')

Stubs.loader.parseClass('''
    package jenkins.security
    class ApiTokenProperty {
        final List tokens = []
        int saved = 0
        Object getTokenStore() { return new Store(tokens: tokens) }
        Collection getTokenList() { return tokens.asImmutable() }
        void revokeToken(String uuid) { if (!tokens.removeAll { it.uuid == uuid }) throw new IllegalStateException(uuid) }
        void addFixedNewToken(String name, String value) {
            if (!(value ==~ /11[0-9a-f]{32}/)) throw new IllegalArgumentException('not a token')
            tokens << new Token(name: name, value: value, uuid: UUID.randomUUID().toString())
            saved++
        }
        static class Token { String name, uuid; String value }
        static class Store {
            List tokens
            Object findMatchingToken(String value) { return tokens.find { it.value == value } }
        }
    }
''')
Class users = Stubs.loader.parseClass('''
    package hudson.model
    class User {
        static final Map<String, User> all = [:]
        final jenkins.security.ApiTokenProperty property = new jenkins.security.ApiTokenProperty()
        static User getById(String id, boolean create) { return all[id] ?: (create ? (all[id] = new User()) : null) }
        Object getProperty(Class type) { return property }
    }
''')

String token(int number) { return '11' + String.format('%032x', number) }

void seed(File script, Map<String, String> secrets) {
    File folder = new Site().root
    folder.mkdirs()
    secrets.each { user, text -> new File(folder, "${user}-token").setText(text, 'UTF-8') }
    File file = new File(folder, 'jobs.json')
    file.setText(JsonOutput.toJson([tokens: secrets.keySet().collect { [user: it, secret: "${it}-token".toString()] }, jobs: []]), 'UTF-8')
    JobDsl.run(script, [HOMEOSTAT_JOBS: file.path, SECRETS: folder.path])
}

Closure tokensOf = { String user -> users.all[user].@property.tokens }

test('tokens.groovy: gives each user the token of its secret, without the end of the line') {
    users.all.clear()
    seed(script, [alertmanager: "${token(1)}\n".toString(), agent: token(2)])
    assert tokensOf('alertmanager')*.value == [token(1)] && tokensOf('agent')*.value == [token(2)]
    assert tokensOf('agent')*.name == ['casc']
}

test('tokens.groovy: changes nothing when it runs again') {
    users.all.clear()
    seed(script, [agent: token(1)])
    def before = tokensOf('agent')*.uuid
    seed(script, [agent: token(1)])
    assert tokensOf('agent')*.uuid == before
    assert users.all.agent.@property.saved == 1
}

test('tokens.groovy: a token that was replaced is void, and one that a person made stays') {
    users.all.clear()
    seed(script, [agent: token(1)])
    users.all.agent.@property.addFixedNewToken('by hand', token(9))
    seed(script, [agent: token(2)])
    seed(script, [agent: token(3)])
    assert tokensOf('agent')*.value == [token(9), token(3)]
}

test('tokens.groovy: a secret that is missing or is no token stops the start') {
    for (secrets in [[agent: 'short'], [agent: '']]) {
        users.all.clear()
        try {
            seed(script, secrets)
        } catch (IllegalArgumentException refused) {
            continue
        }
        throw new AssertionError("not refused: ${secrets}")
    }
}
