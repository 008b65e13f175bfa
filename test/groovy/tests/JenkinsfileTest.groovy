import harness.Site
import harness.Steps
import static harness.Suite.test

/** The project's own Jenkinsfile. */

String jenkinsfile = new File(Site.project, 'Jenkinsfile').getText('UTF-8')

Site site(String branch = null) {
    Site site = new Site()
    site.program('npm', '#!/bin/sh\necho "npm $1" >>"$RECORDER/npm"\n[ "$1" != "$BREAK" ]\n')
    if (branch) {
        site.environment.BRANCH_NAME = branch
    }
    return site
}

for (branch in [null, 'main']) {
    test("Jenkinsfile: tests, ships and verifies (branch ${branch})") {
        def site = site(branch)
        def build = site.good(jenkinsfile)
        assert new File(site.root, 'npm').readLines() == ['npm ci', 'npm test']
        assert site.calls*.command == ['up', 'doctor']
        Map first = build.steps.first()
        assert first.name == 'library' && first.given.retriever == [symbol: 'legacySCM', value: Steps.scm]
        assert build.steps.findAll { it.name == 'stage' }*.given*.name == ['test', 'ship', 'verify']
    }
}

test('Jenkinsfile: a branch is tested, not shipped') {
    def site = site('feature/x')
    site.good(jenkinsfile)
    assert site.calls == []
}

test('Jenkinsfile: nothing is shipped when a test is red') {
    def site = site()
    site.environment.BREAK = 'test'
    site.bad(jenkinsfile)
    assert site.calls == []
}
