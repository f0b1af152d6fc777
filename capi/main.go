// Package main is liblcc: the C face of core/, built with -buildmode=c-shared. lcc.h is its manual.
package main

// #include "lcc.h"
import "C"

func main() {}
