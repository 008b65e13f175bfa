/** Steps with a body, compiled like a pipeline script so that the whole program stays one that can be saved. */
def block(String name, List arguments, Closure body) {
    enterBlock(name: name, arguments: arguments)
    try {
        return body()
    } finally {
        leaveBlock()
    }
}

def catchError(String name, List arguments, Closure body) {
    enterBlock(name: name, arguments: arguments)
    try {
        body()
    } catch (Throwable failure) {
        errorCaught(message: "${failure}")
    } finally {
        leaveBlock()
    }
}
