# The wire between the nodes, and their way out.
# shellcheck shell=bash

subnet() { echo "10.77.$(cat "$state/slot")"; }
gateway() { echo "$(subnet).254"; }
address() { echo "$(subnet).$1"; }
switch() { echo "homeostat-$(cat "$state/slot")-switch"; }
netns() { echo "homeostat-$(cat "$state/slot")-node$1"; }
# Names of network interfaces have at most 15 characters.
uplink() { echo "hlab$(cat "$state/slot")"; }

free_slot() {
  local slot
  for slot in $(seq 0 199); do
    ! grep -qsx "$slot" "$LAB_HOME"/*/slot || continue
    [ -z "$(ip -4 route show root "10.77.$slot.0/24")" ] || continue
    ip -4 route show match "10.77.$slot.0/24" | grep -qv '^default' || { echo "$slot" && return; }
  done
  return 1
}

network_up() {
  local switch uplink
  switch=$(switch) uplink=$(uplink)
  # The bridge has a namespace of its own: the machine's Docker may turn on br_netfilter and set FORWARD to DROP,
  # which would then hit frames between the nodes.
  ip netns add "$switch"
  ip -n "$switch" link add br0 type bridge
  ip -n "$switch" link set br0 up
  ip link add "$uplink" type veth peer name uplink netns "$switch"
  ip -n "$switch" link set uplink master br0 up
  ip addr add "$(gateway)/24" dev "$uplink"
  ip link set "$uplink" up
  [ "$(sysctl -n net.ipv4.ip_forward)" = 1 ] || {
    sysctl -qw net.ipv4.ip_forward=1
    touch "$LAB_HOME/forwarding-was-off"
  }
  way_out -I
}

# Adds (-I) or deletes (-D) the rules that let this lab's nodes reach the world; they name only its subnet and interface.
way_out() {
  iptables -w -t nat "$1" POSTROUTING -s "$(subnet).0/24" ! -d "$(subnet).0/24" -j MASQUERADE
  iptables -w "$1" FORWARD -i "$(uplink)" -j ACCEPT
  iptables -w "$1" FORWARD -o "$(uplink)" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
}

network_down() {
  local name
  [ -s "$state/slot" ] || return 0
  way_out -D 2>/dev/null || true
  ip link del "$(uplink)" 2>/dev/null || true
  ip netns del "$(switch)" 2>/dev/null || true
  # Only the last lab may turn forwarding off again.
  if [ -e "$LAB_HOME/forwarding-was-off" ] && [ "$(list | wc -l)" -le 1 ]; then
    sysctl -qw net.ipv4.ip_forward=0
    rm -f "$LAB_HOME/forwarding-was-off"
  fi
}

node_network_up() {
  local n=$1 switch netns
  switch=$(switch) netns=$(netns "$1")
  ip netns add "$netns"
  ip link add "node$n" netns "$switch" type veth peer name eth0 netns "$netns"
  ip -n "$switch" link set "node$n" master br0 up
  ip -n "$netns" link set lo up
  ip -n "$netns" addr add "$(address "$n")/24" dev eth0
  ip -n "$netns" link set eth0 up
  ip -n "$netns" route add default via "$(gateway)"
}

node_network_down() {
  ip -n "$(switch)" link del "node$1" 2>/dev/null || true
  ip netns del "$(netns "$1")" 2>/dev/null || true
}

cable() { ip -n "$(switch)" link set "node$1" "$2"; }

# A name server on the machine's loopback cannot be reached from a node; systemd-resolved keeps the real ones elsewhere.
name_servers() {
  local file
  for file in /etc/resolv.conf /run/systemd/resolve/resolv.conf; do
    grep -Esv '^nameserver[[:space:]]+(127\.|::1|fe80:|fd|[0-9a-f]*:)' "$file" >"$1" || continue
    ! grep -q '^nameserver' "$1" || return 0
  done
  say 'warning: no name server that nodes can reach; downloads inside nodes will fail'
}
