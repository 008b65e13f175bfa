# Registries of a lab: real ones, in the root namespace, on the lab's own gateway address.
# shellcheck shell=bash

registry_user=lab
registry_password=lab-registry-password

# registry_start NAME PORT [SIZE]: only `private` wants a password.
registry_start() {
  local name=$1 port=$2 size=${3:-} folder
  [[ $name =~ ^[a-z0-9-]+$ && $port =~ ^[0-9]+$ ]] || usage
  folder=$state/registry-$name
  mkdir "$folder" "$folder/storage"
  [ -z "$size" ] || mount -t tmpfs -o "size=$size" homeostat-lab "$folder/storage"
  {
    printf 'version: 0.1\nlog: { level: warn }\n'
    printf 'storage: { filesystem: { rootdirectory: %s }, delete: { enabled: true } }\n' "$folder/storage"
    printf 'http: { addr: "%s:%s", secret: lab }\n' "$(gateway)" "$port"
    if [ "$name" = private ]; then
      password_file >"$folder/htpasswd"
      printf 'auth: { htpasswd: { realm: lab, path: %s } }\n' "$folder/htpasswd"
    fi
  } >"$folder/config.yml"
  setsid docker-registry serve "$folder/config.yml" </dev/null >"$folder/registry.log" 2>&1 &
  echo $! >"$folder/pid"
  disown
  wait_for 10 listens "$(gateway)" "$port" || die "registry $name did not start: $(tail -n 3 "$folder/registry.log")"
}

password_file() {
  (cd "$here" && node -e \
    'console.log(`${process.argv[1]}:${require("bcryptjs").hashSync(process.argv[2], 4)}`)' \
    "$registry_user" "$registry_password")
}

listens() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

registries_stop() {
  local folder pid
  for folder in "$state"/registry-*/; do
    [ -d "$folder" ] || continue
    pid=$(cat "$folder/pid" 2>/dev/null || true)
    if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = docker-registry ]; then
      kill -KILL "$pid"
      wait_for 5 gone "$pid" || true
    fi
    # A process of many threads looks dead a moment before it has closed its files.
    ! mountpoint -q "$folder/storage" || wait_for 10 umount "$folder/storage" || die "$folder/storage is still in use"
  done
}
