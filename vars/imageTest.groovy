/** Runs tests of the service and collects their JUnit reports, also when they are red. */
Map call(Map options = [:]) {
    try {
        return homeostat(command: 'test', parameters: options)
    } finally {
        junit(testResults: 'homeostat-reports/**/*.xml', allowEmptyResults: true)
    }
}
