package harness

/**
 * Stands in for Job DSL: takes down what a seed calls, and refuses every method, argument or block that is not in its
 * table. The table holds only what a Jenkins was seen to accept, or what is marked below.
 */
class JobDsl {
    /** Method → its one argument's class, [] for none, or the methods of its block. */
    private static final Map matrix = [authorizationMatrix: [
        inheritanceStrategy: [inheriting: []],
        entries: [user: [name: String, permissions: List]],
    ]]
    private static final Map jobs = [
        pipelineJob: [
            description: String,
            parameters: [stringParam: [String, String, String]],
            properties: matrix + [
                disableConcurrentBuilds: [abortPrevious: Boolean],
                pipelineTriggers: [triggers: [pollSCM: [scmpoll_spec: String, ignorePostCommitHooks: Boolean]]],
            ],
            logRotator: [numToKeep: Integer],
            quietPeriod: Integer,
            definition: [
                cps: [sandbox: [], script: String],
                cpsScm: [
                    lightweight: Boolean,
                    scriptPath: String,
                    scm: [git: [remote: [url: String, credentials: String], branch: String]],
                ],
            ],
        ],
        multibranchPipelineJob: [
            description: String,
            properties: matrix,
            branchSources: [branchSource: [
                source: [git: [
                    id: String,
                    remote: String,
                    credentialsId: String,
                    // headWildcardFilter: not seen on that Jenkins, but in many seeds.
                    traits: [gitBranchDiscovery: [], headWildcardFilter: [includes: String, excludes: String]],
                ]],
                // The same.
                strategy: [defaultBranchPropertyStrategy: [props: [buildRetentionBranchProperty: [buildDiscarder: [logRotator: [
                    daysToKeepStr: String, numToKeepStr: String, artifactDaysToKeepStr: String, artifactNumToKeepStr: String,
                ]]]]]],
            ]],
            factory: [workflowBranchProjectFactory: [scriptPath: String]],
        ],
    ]

    /** The calls for each job, in order: path of the method → its argument. */
    final Map<String, List<List>> calls = [:]

    void job(String kind, String name, Closure block) {
        if (calls.containsKey(name)) {
            throw new IllegalArgumentException("a second job ${name}")
        }
        calls[name] = [['kind', kind]]
        new Block(table: jobs[kind] as Map, path: '', calls: calls[name]).run(block)
    }

    /** The arguments that the job's method of that path was called with. */
    List of(String job, String path) {
        return calls[job].findAll { it[0] == path }*.getAt(1)
    }

    /** Runs a seed with the given variables of the environment. */
    static JobDsl run(File seed, Map<String, String> environment) {
        return new JobDsl().seed(seed.getText('UTF-8'), environment)
    }

    JobDsl seed(String text, Map<String, String> environment) {
        def configuration = new org.codehaus.groovy.control.CompilerConfiguration(sourceEncoding: 'UTF-8', scriptBaseClass: Seed.name)
        Seed seed = new GroovyShell(Stubs.loader, new Binding(), configuration).parse(text, 'seed.groovy') as Seed
        seed.into(this)
        System.metaClass.static.getenv = { String name -> environment[name] }
        try {
            seed.run()
        } finally {
            GroovySystem.metaClassRegistry.removeMetaClass(System)
        }
        return this
    }

    static abstract class Seed extends Script {
        private JobDsl dsl

        void into(JobDsl dsl) { this.@dsl = dsl }

        void pipelineJob(String name, Closure block) { this.@dsl.job('pipelineJob', name, block) }

        void multibranchPipelineJob(String name, Closure block) { this.@dsl.job('multibranchPipelineJob', name, block) }
    }

    static class Block {
        Map table
        String path
        List calls

        void run(Closure block) {
            Closure own = block.clone() as Closure
            own.delegate = this
            own.resolveStrategy = Closure.DELEGATE_ONLY
            own.call()
        }

        /** Stricter than Jenkins: no call gets through to methods of the seed, of which one could hide a method of Job DSL. */
        @Override
        Object invokeMethod(String name, Object given) {
            List arguments = given as List
            if (!table.containsKey(name)) {
                throw new IllegalArgumentException("${path}${name} is no method here; there are ${table.keySet().join(', ')}")
            }
            def allowed = table[name]
            if (allowed instanceof Map) {
                if (arguments.size() != 1 || !(arguments[0] instanceof Closure)) {
                    throw new IllegalArgumentException("${path}${name} takes a block, got ${arguments}")
                }
                calls << ["${path}${name}".toString(), null]
                new Block(table: allowed, path: "${path}${name}/", calls: calls).run(arguments[0] as Closure)
                return null
            }
            List<Class> types = allowed instanceof List ? allowed : [allowed]
            boolean fits = arguments.size() == types.size() && [arguments, types].transpose().every { argument, type -> type.isInstance(argument) }
            if (!fits) {
                throw new IllegalArgumentException("${path}${name} takes ${types*.simpleName}, got ${arguments} of ${arguments*.class*.simpleName}")
            }
            calls << ["${path}${name}".toString(), arguments.size() == 1 ? arguments[0] : arguments]
            return null
        }
    }
}
