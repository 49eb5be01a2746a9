# SPDX-License-Identifier: MIT
# Owns: measuring functions in kernel style C (braces alone in the first column) and in shell ("name() {" .. "}").
# Prints "LINES FILE:LINE", braces included, for each function.

FNR == 1 { start = 0 }
/^\{[ \t]*$/ || /^[a-z_0-9]+\(\) ?\{[ \t]*$/ { start = FNR; next }
/^\}/ && start { print FNR - start + 1, FILENAME ":" start; start = 0 }
