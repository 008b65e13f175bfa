import harness.Site
import static harness.Suite.test

/** How the runner gets to the agent, and what is done when it arrives badly. */

int written(build) { build.steps.count { it.name == 'writeFile' } }

test('runner: is written once and then only checked') {
    def site = new Site()
    def build = site.good("homeostat(command: 'one'); homeostat(command: 'two')")
    assert written(build) == 1
    assert build.steps.count { it.name == 'libraryResource' && it.given.resource.endsWith('.cjs') } == 1
    assert site.installed.text == new File(site.resources, 'homeostat/homeostat.cjs').text
    assert written(site.good("homeostat(command: 'three')")) == 0
    assert site.calls*.command == ['one', 'two', 'three']
}

test('runner: a half-written or changed one is noticed and written again') {
    def site = new Site()
    site.good("homeostat(command: 'one')")
    String whole = site.installed.text
    for (damage in [whole.take(5), '', whole.reverse()]) {
        site.installed.text = damage
        assert written(site.good("homeostat(command: 'again')")) == 1
        assert site.installed.text == whole
    }
}

test('runner: a new version takes the place of the old ones, other files stay') {
    def site = new Site()
    site.good("homeostat(command: 'one')")
    File old = site.installed
    File foreign = new File(site.temporaryFolder, 'other.cjs')
    foreign.text = 'mine'
    site.library(old.text + '\n// newer')
    site.good("homeostat(command: 'two')")
    assert !old.exists() && foreign.exists() && site.installed.exists()
}

test('runner: one that differs from its checksum is never run, and never installed') {
    for (digest in ['0' * 64, '../../../' + 'a' * 55]) {
        def site = new Site()
        site.library(new File(site.resources, 'homeostat/homeostat.cjs').text, digest)
        def build = site.bad("homeostat(command: 'build')")
        assert build.error.message.startsWith('homeostat build: the runner on this agent differs from its checksum in the library (RUNNER_DAMAGED, exit 8): Check')
        assert site.calls == []
        assert site.temporaryFolder.list().findAll { it.endsWith('.cjs') || it.endsWith('.part') } == []
    }
}

test('runner: a library without it says which resource is missing') {
    def site = new Site()
    new File(site.resources, 'homeostat/homeostat.cjs').delete()
    assert site.bad("homeostat(command: 'build')").error.message == 'No such library resource homeostat/homeostat.cjs could be found.'
    new File(site.resources, 'homeostat/homeostat.cjs.sha256').delete()
    assert site.bad("homeostat(command: 'build')").error.message == 'No such library resource homeostat/homeostat.cjs.sha256 could be found.'
}

/** A PATH of these programs and nothing else. */
void only(Site site, List<String> programs) {
    File folder = new File(site.root, 'only')
    folder.mkdirs()
    programs.each { name ->
        File real = site.environment.PATH.split(':').collect { new File(it, name) }.find { it.canExecute() }
        java.nio.file.Files.createSymbolicLink(new File(folder, name).toPath(), real.toPath())
    }
    site.environment.PATH = folder.path
}

test('runner: an agent without node is told so') {
    def site = new Site()
    only(site, ['sh', 'find', 'sha256sum', 'tr', 'mv', 'rm'])
    assert site.bad("homeostat(command: 'build')").error.message ==
        'homeostat build: Node.js 20 or newer is needed on this agent, found none (NODE_MISSING, exit 8): Install Node.js on the agent, or choose another agent.'
}

test('runner: an agent without sha256sum is told so') {
    def site = new Site()
    only(site, ['sh', 'find', 'tr', 'mv', 'rm', 'node'])
    assert site.bad("homeostat(command: 'build')").error.message.contains('that it has sha256sum')
}

test('runner: a node that is too old, or is something else, is named') {
    ['v18.20.4': '18.20.4', 'v0.10.48': '0.10.48', 'v9.11.2': '9.11.2', '"; rm -rf "$HOME"': 'none', 'axcall: no ports': 'none'].each { printed, found ->
        def site = new Site()
        site.program('node', "#!/bin/sh\ncat <<'END'\n${printed}\nEND\n")
        assert site.bad("homeostat(command: 'build')").error.message.contains("found ${found} (NODE_MISSING, exit 8)")
        assert site.calls == []
    }
}

test('runner: node 20 and any newer one is taken') {
    for (version in ['v20.0.0', 'v24.1.0', 'v99.0.0', 'v100.2.3']) {
        def site = new Site()
        site.program('node', "#!/bin/sh\nif [ \"\$1\" = --version ]; then echo ${version}; else echo '{}' >\"\$HOMEOSTAT_RESULT\"; fi\n")
        site.good("homeostat(command: 'build')")
    }
}

test('runner: the committed one is the one of its checksum') {
    def site = new Site('real')
    site.bad("homeostat(command: 'nothing')")
    assert Site.sha256(site.installed.getText('UTF-8')) == site.digest
}
