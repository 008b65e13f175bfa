# One cgroup per node, in version 1 (one tree per controller) or version 2 (one tree).
# https://docs.kernel.org/admin-guide/cgroup-v2.html
# shellcheck shell=bash

cgroups_version() {
  if [ -s "$state/cgroups" ]; then
    cat "$state/cgroups"
  elif [ -n "${LAB_CGROUP:-}" ]; then
    echo "$LAB_CGROUP"
  elif [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
    echo 2
  else
    echo 1
  fi
}

# The roots of all trees that nodes get a place in. Where both versions are mounted, the Engine also makes (and leaves)
# folders in the tree of version 2.
cgroup_roots() {
  local folder
  if [ "$(cgroups_version)" = 2 ]; then
    findmnt -rno TARGET -t cgroup2 | head -n 1
  else
    for folder in /sys/fs/cgroup/*/; do
      folder=${folder%/}
      [ -L "$folder" ] || [ ! -e "$folder/cgroup.procs" ] || echo "$folder"
    done
  fi
}

# Makes the folder of this lab in every tree.
cgroups_claim() {
  local root version
  version=$(cgroups_version)
  echo "$version" >"$state/cgroups"
  for root in $(cgroup_roots); do
    cgroup_make "$root" homeostat-lab
    cgroup_make "$root/homeostat-lab" "$LAB"
  done
}

cgroup_make() { # cgroup_make PARENT NAME
  mkdir -p "$1/$2"
  if [ -e "$1/cgroup.controllers" ]; then
    only_leaves "$1"
    controllers_enable "$1"
  elif [ -e "$1/cpuset.cpus" ]; then
    # A new cpuset of version 1 is empty, and no process can enter it, until it is filled.
    cat "$1/cpuset.cpus" >"$1/$2/cpuset.cpus"
    cat "$1/cpuset.mems" >"$1/$2/cpuset.mems"
  fi
}

# One by one: a controller that the machine cannot hand down must not keep the others back.
controllers_enable() {
  local controller
  for controller in $(cat "$1/cgroup.controllers"); do
    { echo "+$controller" >"$1/cgroup.subtree_control"; } 2>/dev/null || true
  done
}

# Only a cgroup without processes may hand controllers to its children. The root of the machine is exempt and has no
# type; the root that a container sees has both.
only_leaves() {
  local process
  [ -e "$1/cgroup.type" ] && [ -n "$(cat "$1/cgroup.procs")" ] || return 0
  mkdir -p "$1/processes"
  while read -r process; do
    { echo "$process" >"$1/processes/cgroup.procs"; } 2>/dev/null || true
  done < <(cat "$1/cgroup.procs")
}

node_cgroups_up() {
  local root
  for root in $(cgroup_roots); do
    cgroup_make "$root/homeostat-lab/$LAB" "node$1"
    [ "$(cgroups_version)" = 1 ] || mkdir -p "$root/homeostat-lab/$LAB/node$1/processes"
  done
}

# Moves process $2 into the cgroups of node $1; $3 is a folder below.
cgroups_enter() {
  local root
  for root in $(cgroup_roots); do echo "$2" >"$root/homeostat-lab/$LAB/node$1${3:-}/cgroup.procs"; done
}

cgroups_remove() {
  local root
  for root in $(cgroup_roots); do wait_for 10 cgroup_remove "$root/homeostat-lab/$LAB" || true; done
}

cgroup_remove() {
  [ -d "$1" ] || return 0
  [ ! -e "$1/cgroup.kill" ] || echo 1 >"$1/cgroup.kill"
  find "$1" -depth -type d -exec rmdir {} +
}

cgroups_release() {
  local root
  for root in $(cgroup_roots); do rmdir "$root/homeostat-lab" 2>/dev/null || true; done
}
