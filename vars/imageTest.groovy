/** Runs tests of the service and collects their JUnit reports, also when they are red. */
Map call(Map options = [:]) {
    // Reports of an earlier call would be counted again, and those of an earlier build refused as old.
    dir('homeostat-reports') { deleteDir() }
    try {
        return homeostat(command: 'test', parameters: options)
    } finally {
        junit(testResults: 'homeostat-reports/**/*.xml', allowEmptyResults: true)
    }
}
