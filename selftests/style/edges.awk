# SPDX-License-Identifier: MIT
# Owns: the verdict on one edge "FILE:LINE FROM TO" against the table `floors`. Knows nothing of C or of objects:
# includes.awk and calls.awk find the edges. Usage: awk -f edges.awk floors edges
# Prints one line for each edge that the table does not allow; exits 1 when there is one.

function covers(pattern, unit)
{
	return pattern == unit || (pattern ~ /\/$/ && index(unit, pattern) == 1)
}

function floor_of(unit,    i, best, height)
{
	best = -1
	for (i = 1; i <= floor_count; i++)
		if (covers(floor_unit[i], unit) && length(floor_unit[i]) > best) {
			best = length(floor_unit[i])
			height = floor_height[i]
		}
	return best < 0 ? "none" : height
}

function listed(kind, from, to,    i)
{
	for (i = 1; i <= rule_count; i++)
		if (rule_kind[i] == kind && covers(rule_from[i], from) && covers(rule_to[i], to))
			return 1
	return 0
}

function family(unit)
{
	if (match(unit, /^(kmod\/crypto|kmod\/compat|selftests|userspace\/lib|userspace\/tool|uapi)\//))
		return substr(unit, 1, RLENGTH)
	return unit
}

function verdict(from, to)
{
	if (from == to || family(from) == family(to))
		return ""
	if (from ~ /^(selftests|userspace)\//)
		return listed("reach", from, to) ? "" : "is not in reach of " from
	if (listed("edge", from, to))
		return ""
	if (floor_of(from) == "none")
		return "is used by " from ", which has no floor"
	if (floor_of(to) == "none")
		return "has no floor"
	if (listed("deny", from, to))
		return "is denied to " from
	if (floor_of(to) + 0 >= floor_of(from) + 0)
		return "(floor " floor_of(to) ") does not stand below " from " (floor " floor_of(from) ")"
	return ""
}

NR == FNR && /^#|^[ \t]*$/ { next }
NR == FNR && $1 == "floor" { floor_count++; floor_height[floor_count] = $2; floor_unit[floor_count] = $3; next }
NR == FNR { rule_count++; rule_kind[rule_count] = $1; rule_from[rule_count] = $2; rule_to[rule_count] = $3; next }
{
	seen++
	why = verdict($2, $3)
	if (why != "") {
		print $1 ": " $3 " " why
		bad = 1
	}
}
END {
	print seen + 0 " edges looked at"
	exit bad || !seen
}
