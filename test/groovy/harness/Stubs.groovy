package harness

/** Classes of Jenkins that scripts and steps meet, under their real names. */
class Stubs {
    private static final Map<String, String> sources = [
        'hudson.AbortException': 'package hudson; class AbortException extends IOException { AbortException(String m) { super(m) } }',
        'org.jenkinsci.plugins.workflow.steps.FlowInterruptedException':
            'package org.jenkinsci.plugins.workflow.steps; class FlowInterruptedException extends InterruptedException { FlowInterruptedException(String m) { super(m) } }',
        'org.jenkinsci.plugins.scriptsecurity.sandbox.RejectedAccessException':
            'package org.jenkinsci.plugins.scriptsecurity.sandbox; class RejectedAccessException extends SecurityException { RejectedAccessException(String m) { super(m) } }',
        'hudson.remoting.ChannelClosedException': 'package hudson.remoting; class ChannelClosedException extends IOException { ChannelClosedException(String m) { super(m) } }',
        'net.sf.json.JSONException': 'package net.sf.json; class JSONException extends RuntimeException { JSONException(String m) { super(m) } }',
        'Library': '@interface Library { String value() }',
    ]
    static final GroovyClassLoader loader = new GroovyClassLoader(Stubs.classLoader)
    private static final Map<String, Class> classes = sources.collectEntries { name, source -> [name, loader.parseClass(source)] }

    static Throwable abort(String message) {
        return make('hudson.AbortException', message)
    }

    static Throwable interruption() {
        return make('org.jenkinsci.plugins.workflow.steps.FlowInterruptedException', 'the build was stopped')
    }

    static Throwable lost() {
        return make('hudson.remoting.ChannelClosedException', 'the agent is gone')
    }

    static Throwable rejection(String what) {
        return make('org.jenkinsci.plugins.scriptsecurity.sandbox.RejectedAccessException', "Scripts not permitted to use ${what}")
    }

    static Throwable badJson(String message) {
        return make('net.sf.json.JSONException', message)
    }

    private static Throwable make(String name, Object message) {
        return classes[name].newInstance(message as String) as Throwable
    }
}
