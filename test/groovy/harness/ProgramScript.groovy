package harness

import com.cloudbees.groovy.cps.SerializableScript
import groovy.transform.CompileStatic

/** Base class of every pipeline script and step: names are looked up as Jenkins' CpsScript does. Its code runs inside the CPS categories, so no closures here. */
@CompileStatic
abstract class ProgramScript extends SerializableScript {
    @Override
    Object invokeMethod(String name, Object arguments) {
        return Build.current.call(this, name, arguments as Object[])
    }

    @Override
    Object getProperty(String name) {
        return Build.current.property(this, name)
    }

    Object sleep(long seconds) {
        return invokeMethod('sleep', [seconds] as Object[])
    }

    @Override
    void println(Object text) {
        invokeMethod('echo', [String.valueOf(text)] as Object[])
    }
}
