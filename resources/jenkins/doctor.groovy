/*
 * What `homeostat doctor --jenkins` has to ask as an administrator: posted to /scriptText, prints one JSON document.
 * It only reads: no method that changes, saves or starts something in Jenkins is called; on agents it asks for two versions.
 * Each part stands for itself, so that a plugin that is missing costs no other part.
 * It is written to the interfaces of Jenkins and its plugins, and tested against stand-ins of them: no real Jenkins has run it.
 */
import groovy.json.JsonOutput
import groovy.json.JsonSlurperClassic
import hudson.model.Item
import hudson.model.Label
import hudson.model.User
import hudson.util.RemotingDiagnostics
import java.util.concurrent.ConcurrentHashMap
import jenkins.model.Jenkins
import jenkins.model.JenkinsLocationConfiguration
import jenkins.security.ApiTokenProperty

Map asked = new JsonSlurperClassic().parseText(new String('@ASKED@'.decodeBase64(), 'UTF-8'))
def controller = Jenkins.get()
Map told = [:]
Map problems = [:]

def tell = { String part, Closure look ->
    try {
        told[part] = look()
    } catch (Exception | LinkageError problem) {
        problems[part] = problem.toString().take(300)
    }
}

/** Where a library comes from, without a password that may stand in it. */
def sourceOf = { retriever ->
    def url = null
    try {
        url = retriever.scm.remote
    } catch (MissingPropertyException notOfBranches) {
        try {
            url = retriever.scm.userRemoteConfigs.first().url
        } catch (MissingPropertyException notGit) {
            url = null
        }
    }
    return url?.toString()?.replaceAll('//[^/@]*@', '//')
}

tell('java') { System.getProperty('java.specification.version') }
tell('url') { JenkinsLocationConfiguration.get().url }
tell('plugins') { controller.pluginManager.plugins.collectEntries { [it.shortName, [version: it.version, active: it.active]] } }
tell('libraries') {
    org.jenkinsci.plugins.workflow.libs.GlobalLibraries.get().libraries.collect {
        [name: it.name, version: it.defaultVersion, url: sourceOf(it.retriever)]
    }
}
tell('hookTokens') { hudson.plugins.git.ApiTokenPropertyConfiguration.get().apiTokens.size() }
tell('job') {
    def job = controller.getItemByFullName(asked.job)
    if (job == null) {
        return null
    }
    def oneByOne = job.getProperty(org.jenkinsci.plugins.workflow.job.properties.DisableConcurrentBuildsJobProperty)
    return [quietPeriod: job.quietPeriod, abortsPrevious: oneByOne != null && oneByOne.abortPrevious]
}
tell('user') {
    def user = User.getById(asked.user, false)
    if (user == null) {
        return null
    }
    def who = user.impersonate2()
    def others = controller.getAllItems(Item).findAll { it.fullName != asked.job && it.hasPermission2(who, Item.READ) }
    def job = controller.getItemByFullName(asked.job)
    return [
        administers: controller.hasPermission2(who, Jenkins.ADMINISTER),
        builds: job != null && job.hasPermission2(who, Item.READ) && job.hasPermission2(who, Item.BUILD),
        configures: job != null && job.hasPermission2(who, Item.CONFIGURE),
        sees: others.take(5)*.fullName,
        seesMany: others.size(),
        tokens: user.getProperty(ApiTokenProperty)?.tokenList?.size() ?: 0,
    ]
}

/** Runs in the agent's own process. */
String onAgent = '''
    import java.util.concurrent.TimeUnit
    def start = { List command ->
        try {
            def process = new ProcessBuilder(command).redirectErrorStream(true).start()
            process.outputStream.close()
            return process
        } catch (IOException missing) {
            return null
        }
    }
    def processes = [node: start(['node', '--version']), docker: start(['docker', 'version', '--format', '{{.Server.Version}}'])]
    processes.each { name, process ->
        boolean ended = process != null && process.waitFor(1200, TimeUnit.MILLISECONDS)
        List lines = ended && process.exitValue() == 0 ? process.inputStream.text.trim().readLines() : []
        println(name + '=' + (lines ? lines.last() : process == null || ended ? 'none' : 'late'))
        if (process != null && !ended) {
            process.destroy()
        }
    }
    return null
'''

tell('agents') {
    def label = asked.label ? Label.parseExpression(asked.label) : null
    def wanted = controller.computers.findAll { it.node != null && it.numExecutors > 0 && (label == null || label.matches(it.node)) }
    Map answers = new ConcurrentHashMap()
    def threads = wanted.findAll { it.online }.collect { computer ->
        Thread.start {
            try {
                answers[computer.name] = RemotingDiagnostics.executeGroovy(onAgent, computer.channel)
            } catch (Exception | LinkageError problem) {
                answers[computer.name] = problem.toString().take(300)
            }
        }
    }
    long end = System.nanoTime() + 1_700_000_000L
    threads.each { it.join(Math.max(1L, (end - System.nanoTime()).intdiv(1_000_000L))) }
    return wanted.collect {
        [name: it.name, online: it.online, reason: it.online ? null : it.offlineCauseReason?.toString(), answer: answers[it.name]]
    }
}

println(JsonOutput.toJson(told + [problems: problems]))
