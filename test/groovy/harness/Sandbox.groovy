package harness

import com.cloudbees.groovy.cps.CpsTransformer
import com.cloudbees.groovy.cps.sandbox.Untrusted
import groovy.transform.CompileStatic
import org.codehaus.groovy.ast.ClassCodeExpressionTransformer
import org.codehaus.groovy.ast.ClassNode
import org.codehaus.groovy.ast.FieldNode
import org.codehaus.groovy.ast.MethodNode
import org.codehaus.groovy.ast.expr.CastExpression
import org.codehaus.groovy.ast.stmt.Statement
import org.codehaus.groovy.classgen.GeneratorContext
import org.codehaus.groovy.control.SourceUnit
import org.codehaus.groovy.runtime.GStringImpl
import org.codehaus.groovy.runtime.ScriptBytecodeAdapter
import org.kohsuke.groovy.sandbox.GroovyInterceptor
import org.kohsuke.groovy.sandbox.SandboxTransformer
import org.kohsuke.groovy.sandbox.impl.Checker

/** The CPS transformation of an untrusted library. groovy-cps 1.31's own wants a groovy-sandbox that is on no public repository. */
class SandboxTransformation extends CpsTransformer {
    private final SandboxTransformer sandbox = new SandboxTransformer()
    private ClassCodeExpressionTransformer visitor

    @Override
    void call(SourceUnit source, GeneratorContext context, ClassNode node) {
        visitor = sandbox.createVisitor(source, node)
        super.call(source, context, node)
    }

    @Override
    protected void processConstructors(ClassNode node) {
        sandbox.processConstructors(visitor, node)
    }

    @Override
    protected void visitNontransformedMethod(MethodNode method) {
        visitor.visitMethod(method)
    }

    @Override
    protected void visitNontransformedField(FieldNode field) {
        visitor.visitField(field)
    }

    @Override
    protected void visitNontransformedStatement(Statement statement) {
        statement.visit(visitor)
    }

    @Override
    void visitCastExpression(CastExpression cast) {
        makeNode('sandboxCastOrCoerce', {
            loc(cast)
            visit(cast.expression)
            literal(cast.type)
            literal(cast.ignoringAutoboxing)
            literal(cast.coerce)
            literal(cast.strict)
        } as Runnable)
    }

    @Override
    protected Class getTrustTag() {
        return Untrusted
    }
}

/** Allows what the steps need, all of it on script-security's generic list, and nothing else. It runs inside the CPS categories, hence CompileStatic. */
@CompileStatic
class Sandbox extends GroovyInterceptor {
    /** Receiver, and the methods allowed on it. */
    private static final Map<Class, List<String>> methods = [
        (Map): ['get', 'put', 'plus', 'keySet', 'values'],
        (Collection): ['contains', 'minus', 'join'],
        (String): ['substring', 'lastIndexOf', 'replaceAll', 'plus'],
        (Number): ['plus'],
        (Throwable): ['getMessage'],
        (Closure): ['call'],
        (Class): ['isInstance'],
    ]
    // invokeMethod must be allowed: it is how a closure reaches a step of its script.
    private static final List<String> notOnScripts = ['evaluate', 'run', 'getMetaClass', 'setMetaClass', 'getBinding', 'setBinding']

    @Override
    Object onMethodCall(GroovyInterceptor.Invoker invoker, Object receiver, String method, Object... arguments) {
        boolean allowed = receiver instanceof ProgramScript ? !(method in notOnScripts) : methods.any { type, names -> type.isInstance(receiver) && method in names }
        return allowed ? super.onMethodCall(invoker, receiver, method, arguments) : reject("method ${receiver?.class?.name} ${method}")
    }

    @Override
    Object onStaticCall(GroovyInterceptor.Invoker invoker, Class receiver, String method, Object... arguments) {
        boolean allowed = receiver in [ScriptBytecodeAdapter, Checker] ||
            (receiver == groovy.json.JsonOutput && method == 'toJson' && arguments[0] instanceof Map) ||
            (receiver == UUID && method == 'randomUUID')
        return allowed ? super.onStaticCall(invoker, receiver, method, arguments) : reject("staticMethod ${receiver.name} ${method} ${arguments*.class*.name.join(' ')}")
    }

    @Override
    Object onNewInstance(GroovyInterceptor.Invoker invoker, Class receiver, Object... arguments) {
        boolean allowed = receiver == GStringImpl || ProgramScript.isAssignableFrom(receiver)
        return allowed ? super.onNewInstance(invoker, receiver, arguments) : reject("new ${receiver.name}")
    }

    @Override
    void onSuperConstructor(GroovyInterceptor.Invoker invoker, Class receiver, Object... arguments) {
        onNewInstance(invoker, receiver, arguments)
    }

    @Override
    Object onGetProperty(GroovyInterceptor.Invoker invoker, Object receiver, String property) {
        boolean allowed = receiver instanceof Map || receiver instanceof ProgramScript || receiver instanceof EnvironmentVariables ||
            (receiver instanceof Throwable && property == 'message')
        return allowed ? super.onGetProperty(invoker, receiver, property) : reject("field ${receiver?.class?.name} ${property}")
    }

    @Override
    Object onSetProperty(GroovyInterceptor.Invoker invoker, Object receiver, String property, Object value) {
        return receiver instanceof Map ? super.onSetProperty(invoker, receiver, property, value) : reject("setting ${property} of ${receiver?.class?.name}")
    }

    @Override
    Object onGetAttribute(GroovyInterceptor.Invoker invoker, Object receiver, String attribute) {
        return reject("attribute ${attribute}")
    }

    @Override
    Object onSetAttribute(GroovyInterceptor.Invoker invoker, Object receiver, String attribute, Object value) {
        return reject("attribute ${attribute}")
    }

    @Override
    Object onGetArray(GroovyInterceptor.Invoker invoker, Object receiver, Object index) {
        return receiver instanceof Map || receiver instanceof List ? super.onGetArray(invoker, receiver, index) : reject('getAt')
    }

    @Override
    Object onSetArray(GroovyInterceptor.Invoker invoker, Object receiver, Object index, Object value) {
        return receiver instanceof Map || receiver instanceof List ? super.onSetArray(invoker, receiver, index, value) : reject('putAt')
    }

    private static Object reject(String what) {
        throw Stubs.rejection(what)
    }
}
