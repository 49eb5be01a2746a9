# SPDX-License-Identifier: MIT
# Owns: finding the link edges of a built module. Input: `nm -A` of every object file of kmod/, paths from the top.
# Prints "OBJECT:SYMBOL FROM TO" for each symbol of ours that one object needs and another defines. Names the
# tracepoint macros make are left out: they are defined where CREATE_TRACE_POINTS stands, not where they belong.

{
	object = $1
	sub(/:.*/, "", object)
	unit = object
	sub(/\.o$/, "", unit)
	name = $NF
	kind = $(NF - 1)
}
name ~ /^(__tracepoint|__traceiter|__SCK__|__SCT__|__probestub|__UNIQUE_ID)/ { next }
kind ~ /^[TDBRVW]$/ { home[name] = unit; next }
kind == "U" { need[object ":" name] = unit }
END {
	for (use in need) {
		name = use
		sub(/^[^:]*:/, "", name)
		if (name in home)
			print use, need[use], home[name]
	}
}
