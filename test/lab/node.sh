# One node: its namespaces, its dockerd, its power switch.
# shellcheck shell=bash

socket() { echo "$state/node$1.sock"; }
init_of() { cat "$state/node$1/init.pid" 2>/dev/null; }
alive() {
  local pid
  pid=$(init_of "$1") && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = tini ]
}
inside() {
  local n=$1
  shift
  alive "$n" || die "node$n is off"
  nsenter -t "$(init_of "$n")" -m -u -i -n -p -C -- "$@"
}
docker_of() {
  local n=$1
  shift
  DOCKER_CONFIG=${DOCKER_CONFIG:-$state/docker-config} docker -H "unix://$(socket "$n")" "$@"
}

# Programs of a node see nothing of the caller's environment but the way out.
clean_environment() {
  local name
  local -a kept=("PATH=$PATH" HOME=/root)
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY SSL_CERT_FILE SSL_CERT_DIR; do
    [ -z "${!name:-}" ] || kept+=("$name=${!name}")
  done
  exec env -i "${kept[@]}" "$@"
}

boot() {
  local n=$1 folder=$state/node$1 launcher
  ! alive "$n" || die "node$n is already up"
  mkdir -p "$folder/docker" "$folder/etc-docker" /etc/docker /var/lib/docker
  name_servers "$folder/resolv.conf"
  node_network_down "$n"
  node_network_up "$n"
  node_cgroups_up "$n"
  (
    cgroups_enter "$n" "$BASHPID"
    exec </dev/null >"$folder/init.log" 2>&1
    clean_environment setsid nsenter --net="/run/netns/$(netns "$n")" \
      "$here/init" "$n" "$folder" "$(cgroups_version)" "$(cgroup_roots | head -n 1)/homeostat-lab/$LAB/node$n"
  ) &
  launcher=$!
  disown
  # unshare forks; its only child is process 1 of the node.
  wait_for 10 child_is_tini "$launcher" || die "node$n did not start: $(tail -n 3 "$folder/init.log")"
  pgrep -P "$launcher" >"$folder/init.pid"
  startd "$n"
}

child_is_tini() { pgrep -P "$1" -x tini; }

startd() {
  local n=$1 folder=$state/node$1
  local -a flags=(-H unix:///var/run/docker.sock -H "unix://$(socket "$n")" --storage-driver overlay2
    --exec-opt native.cgroupdriver=cgroupfs --insecure-registry "$(subnet).0/24")
  # With version 2 the node has a cgroup namespace and its own root.
  [ "$(cgroups_version)" = 2 ] || flags+=(--cgroup-parent "/homeostat-lab/$LAB/node$n")
  inside "$n" rm -f /run/docker.pid "$(socket "$n")"
  (
    [ "$(cgroups_version)" = 1 ] && cgroups_enter "$n" "$BASHPID" || cgroups_enter "$n" "$BASHPID" /processes
    exec </dev/null >>"$folder/dockerd.log" 2>&1
    # shellcheck disable=SC2086
    clean_environment setsid nsenter -t "$(init_of "$n")" -m -u -i -n -p -C -- \
      dockerd "${flags[@]}" ${LAB_DOCKERD_FLAGS:-}
  ) &
  disown
  wait_for 60 answers "$n" || die "dockerd of node$n does not answer: $(tail -n 5 "$folder/dockerd.log")"
}

# The socket is there before the Engine serves it; then the client waits for the answer, so this does not poll.
answers() { [ -S "$(socket "$1")" ] && timeout 20 docker -H "unix://$(socket "$1")" version; }

stopd() {
  local n=$1 signal=${2:-KILL} process
  for process in $(inside "$n" pidof dockerd containerd); do inside "$n" kill -"$signal" "$process" 2>/dev/null || true; done
}

power_off() {
  local n=$1 pid
  if alive "$n"; then
    pid=$(init_of "$n")
    kill -KILL "$pid" # the kernel ends the whole pid namespace with its process 1
    wait_for 20 gone "$pid" || die "node$n does not die"
  fi
  rm -f "$state/node$n/init.pid" "$(socket "$n")"
  node_network_down "$n"
}
