# SPDX-License-Identifier: MIT
# Owns: finding the include edges of our files. Usage: awk -f includes.awk all-files-list file...
# Prints "FILE:LINE FROM TO"; an include in quotes that is no file of ours gives the unit "nowhere/NAME".

function unit_of(path)
{
	sub(/\.[A-Za-z]+$/, "", path)
	return path
}

function normal(path)
{
	while (path ~ /[^\/]+\/\.\.\//)
		sub(/[^\/]+\/\.\.\//, "", path)
	gsub(/(^|\/)\.\//, "/", path)
	sub(/^\//, "", path)
	return path
}

function found(name, quoted,    n, i, places, dir, path)
{
	dir = FILENAME
	sub(/[^\/]*$/, "", dir)
	n = split((quoted ? dir " " : "") "uapi/" (quoted ? " kmod/ kmod/crypto/ selftests/ userspace/include/ userspace/lib/ userspace/tool/" : ""), places, " ")
	for (i = 1; i <= n; i++) {
		path = normal(places[i] name)
		if (path in known)
			return path
	}
	return quoted ? "nowhere/" name : ""
}

NR == FNR { known[$0]; next }
/^[ \t]*#[ \t]*include[ \t]*["<]/ {
	quoted = $0 ~ /include[ \t]*"/
	name = $0
	sub(/^[^"<]*["<]/, "", name)
	sub(/[">].*/, "", name)
	to = found(name, quoted)
	if (to != "")
		print FILENAME ":" FNR, unit_of(FILENAME), unit_of(to)
}
