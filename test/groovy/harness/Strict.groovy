package harness

import groovy.transform.CompileStatic
import org.codehaus.groovy.runtime.InvokerHelper

/** An object of Jenkins that knows just what a test gives it: whatever else is asked of it is a violation, and fails. */
@CompileStatic
class Strict extends GroovyObjectSupport {
    /** A property that objects of this kind may lack. */
    static final Object ABSENT = new Object()
    static final List<String> violations = Collections.synchronizedList(new ArrayList<String>())

    private final String kind
    private final Map<String, Object> known

    Strict(Map<String, Object> known, String kind) {
        this.kind = kind
        this.known = known
    }

    @Override
    Object getProperty(String name) {
        Object value = known.get(name)
        if (!known.containsKey(name) || value instanceof Closure) {
            violations.add("${kind}.${name}".toString())
        } else if (!value.is(ABSENT)) {
            return value
        }
        throw new MissingPropertyException(name, Strict)
    }

    @Override
    void setProperty(String name, Object value) {
        violations.add("${kind}.${name} = ${value}".toString())
        throw new ReadOnlyPropertyException(name, Strict)
    }

    @Override
    Object invokeMethod(String name, Object arguments) {
        Object method = known.get(name)
        if (!(method instanceof Closure)) {
            violations.add("${kind}.${name}()".toString())
            throw new MissingMethodException(name, Strict, (Object[]) arguments)
        }
        return InvokerHelper.invokeClosure(method, arguments)
    }
}
