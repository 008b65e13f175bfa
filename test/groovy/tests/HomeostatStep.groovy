import harness.Site
import static harness.Suite.test

test('it runs') {
  Site site = new Site()
  def b = site.good('''
    def r = homeostat(command: 'build', parameters: [image: 'a'])
    echo "got ${r}"
    return r
  ''')
  println b.value
  println b.log
  println site.calls
  println b.steps*.name
}
test('sandbox runs') {
  Site site = new Site()
  def b = site.good(sandbox: true, '''
    def r = homeostat(command: 'build', parameters: [image: 'a'])
    echo "got ${r}"
    return r
  ''')
  println b.value
}
test('pipe') {
 for (s in [false, true]) {
  Site site = new Site()
  def b = site.good(sandbox: s, 'servicePipeline()')
  println b.value
  println site.calls*.command
  println b.steps.collect { "${it.stage}/${it.name}" }
 }
}
