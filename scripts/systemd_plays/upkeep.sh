# Played by scripts/test-systemd: what an operator does with a running hub, and the loss of the whole machine.
# shellcheck shell=bash disable=SC2154,SC2034
install_hub
install_room
check "first start"
note_memory

guide_at hub "hubwell-admin backup"
on hub "systemctl is-active hubwell-backup.timer && rm /var/lib/hubwell-backups/hub-*.tar && systemctl start hubwell-backup.service" >/dev/null ||
    fail "the backup of each night: $(on hub "journalctl --no-pager -n 5 -u hubwell-backup")"
guide_at hub "hubwell-admin drill"
check "backup, backup of the night, drill"
guide_at hub "hubwell-admin password ingest"
check "new password of the services"
guide_at hub "hubwell-admin certificates renew"
check "new certificate"
guide_at hub "hubwell-admin device rotate ID" ID=wood-workshop-1
password_of_device | on room "cat > /etc/hubwell-edge/mqtt_password && systemctl restart hubwell-edge"
check "new password of the device"

# The loss of the server: another machine of the same name, and a backup.

on room "systemctl stop hubwell-edge"
type_at hub "hubwell-admin backup /root/hub.tar"
kept=$(readings)
mkdir -p "$work/kept"
on hub "tar -cf - hub.tar -C /etc/hubwell backup-passphrase" | tar -C "$work/kept" -xf -
power_cut hub
empty_machine hub "$server"
boot hub
clone_to hub
type_at hub "$install_line"
tar -C "$work/kept" -cf - . | on hub "tar -xf -"
type_at hub "hubwell-admin restore /root/hub.tar --passphrase-file /root/backup-passphrase"
[ "$(readings)" = "$kept" ] || fail "restore: $(readings) readings in place of $kept"
on room "systemctl start hubwell-edge"
check "restore on an empty machine"
