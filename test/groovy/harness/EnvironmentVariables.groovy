package harness

import groovy.transform.CompileStatic

/** `env` of a pipeline: the variables as they are at the place that asks. */
@CompileStatic
class EnvironmentVariables implements Serializable {
    @Override
    Object getProperty(String name) {
        return Build.current.environmentAt(Build.current.running).get(name)
    }
}
