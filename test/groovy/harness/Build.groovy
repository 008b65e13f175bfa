package harness

import com.cloudbees.groovy.cps.Continuable
import com.cloudbees.groovy.cps.Continuation
import com.cloudbees.groovy.cps.Envs
import com.cloudbees.groovy.cps.Env
import com.cloudbees.groovy.cps.Outcome
import com.cloudbees.groovy.cps.impl.CpsCallableInvocation
import com.cloudbees.groovy.cps.sandbox.SandboxInvoker
import groovy.transform.CompileStatic
import org.codehaus.groovy.runtime.InvokerHelper
import org.codehaus.groovy.runtime.InvokerInvocationException

/**
 * One build of a pipeline script under the CPS transformation. The program is suspended at every step, and before it goes on it is written out, read back, and
 * the copy goes on: a restart of the controller at every step. `sh` starts real processes.
 */
class Build {
    static Build current

    boolean sandbox = false
    File workspace
    File resources
    Map<String, String> environment = [:]
    Map<String, List<String>> credentials = [:]
    /** `params`: the parameters of the build; null where the job has none. */
    Map<String, String> parameters
    /** How inputs are answered, in order: the name of who proceeds, or what ends the wait. */
    List inputs = []
    /** Conditions looked at while a `sh` runs; each stops the build once. */
    List<Closure<Boolean>> stops = []
    /** The same; each loses the agent once. */
    List<Closure<Boolean>> losses = []
    /** The commit that a checkout tells; null for what is not git. */
    String revision = '0123456789abcdef0123456789abcdef01234567'
    /** Milliseconds of a minute. */
    long minute = 60_000

    /** Every step that ran: name, given (its parameters), stage, whether on an agent, and place. */
    final List<Map> steps = []
    final List<String> violations = []
    final List<String> log = []
    final List<String> reports = []
    Throwable error
    Object value
    Strand running

    private final List<Strand> strands = []
    private Compiler compiler
    private int shells = 0
    private final List<Shell> abandoned = []
    private boolean agentIsLost = false

    /** Runs the script to its end; what came out is in value or error. */
    Build run(String script, String name = 'Jenkinsfile') {
        current = this
        compiler = Compiler.of(sandbox)
        CpsCallableInvocation.registerMismatchHandler({ expectedReceiver, expected, receiver, actual ->
            violations << "expected to call ${expectedReceiver?.class?.simpleName}.${expected} but wound up catching ${actual}".toString()
        } as CpsCallableInvocation.MismatchHandler)
        try {
            Strand root = new Strand(program: new Continuable(compiler.script(script, name), emptyEnvironment()))
            strands << root
            long deadline = System.currentTimeMillis() + 120_000
            while (root.end == null) {
                assert System.currentTimeMillis() < deadline: 'the build hangs'
                turn()
            }
            value = root.end.normal
            error = root.end.abnormal
        } catch (NotSerializableException problem) {
            error = problem
        } finally {
            CpsCallableInvocation.registerMismatchHandler(null)
            strands.each { it.shell?.stop() }
            abandoned*.stop()
        }
        return this
    }

    private Env emptyEnvironment() {
        return sandbox ? Envs.empty(new SandboxInvoker()) : Envs.empty()
    }

    private void turn() {
        strands.each { settle(it) }
        Strand strand = strands.find { it.ready }
        if (strand == null) {
            strands.findAll { it.shell && timeIsUp(it) }.each { it.shell.stop() }
            Closure<Boolean> loss = losses.find { it.call() }
            if (loss) {
                losses.remove(loss)
                strands.findAll { it.shell }.each { loseAgent(it) }
                return
            }
            Closure<Boolean> stop = stops.find { it.call() }
            if (stop) {
                stops.remove(stop)
                strands.each { it.shell?.stop() }
            }
            Thread.sleep(2)
            return
        }
        // Last in the list, so that branches take turns.
        strands.remove(strand)
        strands << strand
        restart()
        advance(strand)
    }

    private static boolean timeIsUp(Strand strand) {
        return strand.frames.any { it.name == 'timeout' && it.until < System.currentTimeMillis() }
    }

    /** The process goes on where it was, and nobody hears of it; until there is another agent, nothing can be done. */
    private void loseAgent(Strand strand) {
        abandoned << strand.shell
        strand.shell = null
        strand.outcome = new Outcome(null, Stubs.lost())
        agentIsLost = true
    }

    /** Takes what a process or the branches came to, if they are done. */
    private void settle(Strand strand) {
        if (strand.shell?.done) {
            Shell shell = strand.shell
            strand.shell = null
            log.addAll(shell.log.readLines())
            strand.outcome = shell.interrupted ? new Outcome(null, Stubs.interruption()) : outcomeOf { shell.value }
        } else if (strand.branches?.every { it.end != null }) {
            Strand failed = strand.branches.find { it.end.abnormal }
            strand.outcome = failed ? failed.end : new Outcome(strand.branches.collectEntries { [it.name, it.end.normal] }, null)
            strands.removeAll(strand.branches)
            strand.branches = null
        }
    }

    private void restart() {
        List<Strand> alive = strands.findAll { it.end == null }
        byte[] saved
        try {
            saved = SavedProgram.write(alive*.program)
        } catch (NotSerializableException problem) {
            throw new NotSerializableException("${placeOf(alive.last())}: ${problem.message}")
        }
        List<Continuable> copies = SavedProgram.read(saved, compiler.loader)
        alive.eachWithIndex { strand, index -> strand.program = copies[index] }
    }

    private void advance(Strand strand) {
        Sandbox guard = sandbox ? new Sandbox() : null
        running = strand
        guard?.register()
        Outcome yielded
        try {
            yielded = strand.program.run0(strand.outcome, Continuable.categories + [Iterators])
        } finally {
            guard?.unregister()
        }
        if (strand.program.resumable) {
            Map call = yielded.normal as Map
            strand.outcome = outcomeOf { start(strand, call.step as String, call.arguments as List) }
        } else {
            strand.end = yielded
        }
    }

    private static Outcome outcomeOf(Closure work) {
        try {
            return new Outcome(work(), null)
        } catch (Throwable problem) {
            return new Outcome(null, problem)
        }
    }

    private Object start(Strand strand, String step, List arguments) {
        if (step == 'leaveBlock') {
            strand.frames.pop()
            return null
        }
        if (step == 'enterBlock') {
            agentIsLost = agentIsLost && arguments[0].name != 'node'
            Map given = bind(strand, arguments[0].name, arguments[0].arguments as List, Steps.blocks[arguments[0].name])
            strand.frames.add(Steps.frame(this, arguments[0].name, given))
            return null
        }
        if (step == 'errorCaught') {
            log << (arguments[0].message as String)
            return null
        }
        if (step == 'parallel') {
            strand.branches = arguments[0].collect { name, body -> branch(strand, name, body as Closure) }
            strands.addAll(strand.branches)
            return null
        }
        Map given = bind(strand, step, arguments, Steps.parameters[step])
        if (agentIsLost && step in Steps.onAgent) {
            throw Stubs.lost()
        }
        if (step == 'sh') {
            File control = new File("${folderAt(strand).path}@tmp/durable-${++shells}")
            strand.shell = new Shell(given, folderAt(strand), control, environmentAt(strand))
            return null
        }
        return Steps."${step}"(this, strand, given)
    }

    private Strand branch(Strand parent, Object name, Closure body) {
        try {
            body.call()
        } catch (CpsCallableInvocation invocation) {
            Continuable program = new Continuable(invocation.invoke(emptyEnvironment(), null, Continuation.HALT))
            return new Strand(program: program, name: name as String, frames: new ArrayList(parent.frames))
        }
        throw new IllegalStateException("branch ${name} is not CPS-transformed")
    }

    /** The arguments under the names of the step's parameters; what Jenkins would refuse or warn about is a violation. */
    private Map bind(Strand strand, String step, List arguments, List<String> names) {
        Map given = [:]
        // A map with $class is a thing that is described, such as a repository.
        if (arguments.size() == 1 && arguments[0] instanceof Map && !arguments[0].containsKey('$class')) {
            given.putAll(arguments[0] as Map)
        } else if (arguments) {
            given[names.first()] = arguments[0]
        }
        (given.keySet() - names).each { violations << "${step} has no parameter ${it} (${placeOf(strand)})".toString() }
        if (step == 'sh' && given.script instanceof GString) {
            violations << "sh with an interpolated script (${placeOf(strand)})".toString()
        }
        given = flat(given) as Map
        steps << [name: step, given: given, stage: strand.frames.reverse().find { it.name == 'stage' }?.given?.name, agent: strand.frames.any { it.name == 'node' }, place: placeOf(strand)]
        return given
    }

    private static Object flat(Object value) {
        if (value instanceof Map) {
            return value.collectEntries { key, item -> [key as String, flat(item)] }
        }
        if (value instanceof List) {
            return value.collect { flat(it) }
        }
        return value instanceof GString ? value.toString() : value
    }

    private static String placeOf(Strand strand) {
        StackTraceElement top = strand.program.stackTrace.find { true }
        return top ? "${top.fileName}:${top.lineNumber}" : 'start'
    }

    File folderAt(Strand strand) {
        return strand.frames.findAll { it.name == 'dir' }.inject(workspace) { File folder, Map frame -> new File(folder, frame.given.path as String) }
    }

    File fileAt(Strand strand, Object path) {
        return (path as String).startsWith('/') ? new File(path as String) : new File(folderAt(strand), path as String)
    }

    @CompileStatic
    Map<String, String> environmentAt(Strand strand) {
        Map<String, String> result = new LinkedHashMap<String, String>(environment)
        for (Map frame : strand.frames) {
            result.putAll((Map<String, String>) frame.get('environment'))
            Object overrides = ((Map) frame.get('given')).get('overrides')
            if (overrides instanceof List) {
                for (Object each : (List) overrides) {
                    override(result, String.valueOf(each))
                }
            }
        }
        return result
    }

    /** As EnvVars does it: the value is literal, an empty one removes the variable, PATH+ANY prepends to PATH. */
    @CompileStatic
    private static void override(Map<String, String> variables, String assignment) {
        int equals = assignment.indexOf('=')
        String name = assignment.substring(0, equals)
        String value = assignment.substring(equals + 1)
        int plus = name.indexOf('+')
        if (plus > 0) {
            String old = variables.get(name.substring(0, plus))
            variables.put(name.substring(0, plus), old == null ? value : value + ':' + old)
        } else if (value.isEmpty()) {
            variables.remove(name)
        } else {
            variables.put(name, value)
        }
    }

    /** What a name called in a script stands for: a variable, a step of the library, a describable, a step of Jenkins. */
    @CompileStatic
    Object call(ProgramScript script, String name, Object[] arguments) {
        Object callee = script.binding.hasVariable(name) ? script.binding.getVariable(name) : compiler.step(script, name)
        if (callee != null) {
            return invoke(callee, 'call', arguments)
        }
        if (Steps.symbols.contains(name)) {
            Map<Object, Object> described = new LinkedHashMap<Object, Object>()
            described.put('symbol', name)
            if (arguments.length == 1 && arguments[0] instanceof Map && !((Map) arguments[0]).containsKey('$class')) {
                described.putAll((Map) arguments[0])
            } else if (arguments.length == 1) {
                described.put('value', arguments[0])
            }
            return described
        }
        List<Object> list = new ArrayList<Object>(Arrays.asList(arguments))
        if (Steps.blocks.containsKey(name)) {
            if (list.isEmpty() || !(list.get(list.size() - 1) instanceof Closure)) {
                throw new IllegalStateException("${name} step must be called with a body".toString())
            }
            Object body = list.remove(list.size() - 1)
            try {
                return invoke(compiler.blocks(script), name == 'catchError' ? name : 'block', [name, list, body] as Object[])
            } catch (CpsCallableInvocation invocation) {
                throw new CpsCallableInvocation(name, invocation.call, invocation.receiver, invocation.arguments.toArray())
            }
        }
        if (Steps.parameters.containsKey(name) || name in ['enterBlock', 'leaveBlock', 'errorCaught']) {
            Map<String, Object> request = new HashMap<String, Object>()
            request.put('step', name)
            request.put('arguments', list)
            return Continuable.suspend(name, request)
        }
        throw new NoSuchMethodError("No such DSL method '${name}' found among steps".toString())
    }

    @CompileStatic
    private static Object invoke(Object receiver, String method, Object[] arguments) {
        try {
            return InvokerHelper.getMetaClass(receiver).invokeMethod(receiver, method, arguments)
        } catch (InvokerInvocationException wrapped) {
            throw wrapped.cause
        }
    }

    @CompileStatic
    Object property(ProgramScript script, String name) {
        if (script.binding.hasVariable(name)) {
            return script.binding.getVariable(name)
        }
        if (name == 'env') {
            return new EnvironmentVariables()
        }
        if (name == 'scm') {
            return Steps.scm
        }
        Object step = compiler.step(script, name)
        if (step != null) {
            return step
        }
        if (name == 'params' && parameters != null) {
            return Collections.unmodifiableMap(parameters)
        }
        return InvokerHelper.getMetaClass(script).getProperty(script, name)
    }
}
