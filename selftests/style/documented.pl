#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Owns: the check that every non-static function declared in a header given has a kernel-doc block (there or in any
# .c or .S given) that says Context: and, unless it returns void, Return:. kernel-doc itself checks the arguments.
use strict;
use warnings;

my (%doc, @headers, $bad, $count);

sub slurp {
	my ($path) = @_;
	local $/;
	open(my $fh, '<', $path) or die "$path: $!\n";
	return <$fh>;
}

# Blank out what is not a declaration, keeping line ends so that line numbers stay true.
sub declarations {
	my ($text) = @_;
	my $blank = sub { (my $kept = $_[0]) =~ s/[^\n]//g; return $kept };
	$text =~ s{(/\*.*?\*/|//[^\n]*)}{$blank->($1)}gse;
	$text =~ s{^([ \t]*#(?:[^\n]*\\\n)*[^\n]*)}{$blank->($1)}gme;
	$text =~ s{\bextern\s+"C"\s*\{}{};
	1 while $text =~ s{(\{[^{}]*\})}{$blank->($1) . ';'}gse;
	return $text;
}

for my $path (@ARGV) {
	my $text = slurp($path);
	push @headers, $path if $path =~ /\.h$/;
	while ($text =~ m{/\*\*\n(\s*\*\s+(?:struct|enum|union)?\s*(\w+).*?)\*/}gs) {
		$doc{$2} = $1;
	}
}

for my $path (@headers) {
	my ($line, $rest) = (1, declarations(slurp($path)));
	for my $chunk (split /(?<=;)/, $rest) {
		my $at = $line + (($chunk =~ /^(\s*)/)[0] =~ tr/\n//);
		$line += $chunk =~ tr/\n//;
		next if $chunk =~ /^\s*(?:static|typedef)\b/ || $chunk =~ /=/;
		next unless $chunk =~ /^\s*([\w\s\*]+?)\b(\w+)\s*\(/;
		my ($type, $name) = ($1, $2);
		next if $name =~ /^[A-Z_0-9]+$|^__builtin_/ || $type !~ /\w/;
		$count++;
		my $text = $doc{$name};
		my @lack = !defined $text ? ('a kernel-doc block') : ();
		if (defined $text) {
			push @lack, 'Context:' if $text !~ /^\s*\*\s*Context:/m;
			push @lack, 'Return:' if $text !~ /^\s*\*\s*Returns?:/m && $type !~ /\bvoid\b(?!\s*\*)/;
		}
		next unless @lack;
		print "$path:$at: $name lacks " . join(' and ', @lack) . "\n";
		$bad = 1;
	}
}
print(($count // 0) . " functions declared in " . @headers . " headers\n");
exit($bad || !$count ? 1 : 0);
