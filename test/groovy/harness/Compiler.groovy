package harness

import com.cloudbees.groovy.cps.CpsTransformer
import groovy.transform.CompileStatic
import org.codehaus.groovy.control.CompilerConfiguration
import org.codehaus.groovy.control.customizers.ImportCustomizer

/** Compiles pipeline scripts and the steps of vars/ as Jenkins does: a trusted library, or a sandboxed one. */
@CompileStatic
class Compiler {
    static File vars
    static File programs
    private static final Map<Boolean, Compiler> compilers = new HashMap<Boolean, Compiler>()

    private final GroovyShell shell
    private int scripts = 0

    private Compiler(boolean sandbox) {
        CompilerConfiguration configuration = new CompilerConfiguration(sourceEncoding: 'UTF-8', scriptBaseClass: ProgramScript.name)
        configuration.addCompilationCustomizers(new ImportCustomizer().addImports('com.cloudbees.groovy.cps.NonCPS'))
        configuration.addCompilationCustomizers(sandbox ? new SandboxTransformation() : new CpsTransformer())
        shell = new GroovyShell(Stubs.loader, new Binding(), configuration)
        shell.classLoader.addClasspath(vars.path)
        shell.classLoader.addClasspath(programs.path)
    }

    static Compiler of(boolean sandbox) {
        Compiler compiler = compilers.get(sandbox)
        if (compiler == null) {
            compiler = new Compiler(sandbox)
            compilers.put(sandbox, compiler)
        }
        return compiler
    }

    ClassLoader getLoader() {
        return shell.classLoader
    }

    Script script(String text, String name) {
        Class type = shell.classLoader.parseClass(text, "${name}${++scripts}.groovy")
        Script script = (Script) type.newInstance()
        script.binding = new Binding()
        return script
    }

    /** The library's step of that name, one object per build, kept with the script that called it; null when there is none. */
    Object step(ProgramScript caller, String name) {
        if (!new File(vars, "${name}.groovy").file) {
            return null
        }
        return keep(caller, name)
    }

    Object blocks(ProgramScript caller) {
        return keep(caller, 'blocks')
    }

    private Object keep(ProgramScript caller, String name) {
        if (!caller.binding.hasVariable(name)) {
            Script script = (Script) shell.classLoader.loadClass(name).newInstance()
            script.binding = new Binding()
            caller.binding.setVariable(name, script)
        }
        return caller.binding.getVariable(name)
    }
}
