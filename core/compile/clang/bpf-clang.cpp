// bpf-clang is a clang that knows the BPF target alone: the command line of `clang -target bpf -c`,
// in one static file, with no headers but those it is told of and with limits of its own.
//
// It ends with 0: object written, 1: the source does not compile, 2: wrong use, or a failure of
// the compiler itself.

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include <clang/Basic/Diagnostic.h>
#include <clang/Basic/Version.h>
#include <clang/CodeGen/CodeGenAction.h>
#include <clang/Driver/Compilation.h>
#include <clang/Driver/Driver.h>
#include <clang/Driver/Job.h>
#include <clang/Driver/Tool.h>
#include <clang/Frontend/CompilerInstance.h>
#include <clang/Frontend/CompilerInvocation.h>
#include <clang/Frontend/FrontendDiagnostic.h>
#include <clang/Frontend/TextDiagnosticPrinter.h>
#include <llvm/Passes/PassPlugin.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/VirtualFileSystem.h>
#include <llvm/Support/raw_ostream.h>

using namespace clang;

// Debian's LLVM asks for Polly, a loop optimiser that does nothing for BPF.
llvm::PassPluginLibraryInfo getPollyPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "Polly", "", [](llvm::PassBuilder &) {}};
}

extern "C" {
void LLVMInitializeBPFTargetInfo();
void LLVMInitializeBPFTarget();
void LLVMInitializeBPFTargetMC();
void LLVMInitializeBPFAsmPrinter();
void LLVMInitializeBPFAsmParser();
}

namespace {

enum Exit { Done = 0, Rejected = 1, Failed = 2 };

// A program with the whole vmlinux.h takes 0.3 s and 150 MiB here; an emulated machine is fifty
// times slower.
const struct {
  int resource;
  rlim_t most;
} limits[] = {
    {RLIMIT_AS, rlim_t(1) << 30},
    {RLIMIT_CPU, 60},
    {RLIMIT_FSIZE, rlim_t(64) << 20},
    {RLIMIT_CORE, 0},
};

void limit() {
  for (auto &l : limits) {
    rlimit now;
    if (getrlimit(l.resource, &now) != 0)
      continue;
    now.rlim_cur = std::min({now.rlim_cur, now.rlim_max, l.most});
    setrlimit(l.resource, &now);
  }
}

// Says why and leaves at once: what runs after a crash or without memory can rely on nothing.
[[noreturn]] void fail(const char *why) {
  for (const char *part : {"bpf-clang: ", why, "\n"})
    if (write(STDERR_FILENO, part, strlen(part)) < 0)
      break;
  _exit(Failed);
}

void onSignal(int number) {
  switch (number) {
  case SIGXCPU:
    fail("stopped: it took more CPU time than a BPF program may (60 s)");
  case SIGXFSZ:
    fail("stopped: the object is larger than a BPF program may be (64 MiB)");
  default:
    fail("the compiler crashed; this is a defect of LLVM, or the source nests too deep");
  }
}

void onFatalError(void *, const char *reason, bool) { fail(reason); }

void onNoMemory() { fail("out of memory: a BPF program may take 1 GiB to compile"); }

void catchFailures() {
  // A stack overflow leaves no room for a handler on the stack itself.
  static char room[1 << 16];
  stack_t stack = {};
  stack.ss_sp = room;
  stack.ss_size = sizeof(room);
  sigaltstack(&stack, nullptr);

  struct sigaction action = {};
  action.sa_handler = onSignal;
  action.sa_flags = SA_ONSTACK;
  for (int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGXCPU, SIGXFSZ})
    sigaction(number, &action, nullptr);
  llvm::install_fatal_error_handler(onFatalError);
  llvm::install_bad_alloc_error_handler(
      [](void *, const char *, bool) { onNoMemory(); });
  std::set_new_handler(onNoMemory);
}

// What the driver may look at before it knows its inputs: nothing, so it finds no headers,
// libraries, configuration files or other compilers of the machine.
llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem> emptyFiles() {
  llvm::IntrusiveRefCntPtr<llvm::vfs::InMemoryFileSystem> files(new llvm::vfs::InMemoryFileSystem);
  llvm::SmallString<256> here;
  if (!llvm::sys::fs::current_path(here))
    files->setCurrentWorkingDirectory(here);
  return files;
}

// The arguments of the one compilation that the command line asks for, or null.
const llvm::opt::ArgStringList *onlyJob(const driver::Compilation &compilation) {
  const auto &jobs = compilation.getJobs();
  if (jobs.size() != 1 || strcmp(jobs.begin()->getCreator().getName(), "clang") != 0)
    return nullptr;
  return &jobs.begin()->getArguments();
}

Exit compile(CompilerInstance &compiler) {
  // As -mllvm gave them.
  std::vector<const char *> passes = {"bpf-clang"};
  for (const std::string &arg : compiler.getFrontendOpts().LLVMArgs)
    passes.push_back(arg.c_str());
  if (!llvm::cl::ParseCommandLineOptions(passes.size(), passes.data(), "", &llvm::errs()))
    return Failed;

  LLVMInitializeBPFTargetInfo();
  LLVMInitializeBPFTarget();
  LLVMInitializeBPFTargetMC();
  LLVMInitializeBPFAsmPrinter();
  LLVMInitializeBPFAsmParser();
  EmitObjAction action;
  return compiler.ExecuteAction(action) ? Done : Rejected;
}

Exit run(std::vector<const char *> args) {
  // Those that the caller gives come later and win, but -nostdinc has no opposite.
  args.insert(args.begin() + 1, {"-target", "bpf", "-nostdinc", "-fno-color-diagnostics"});

  CompilerInstance compiler;
  llvm::IntrusiveRefCntPtr<DiagnosticOptions> options = CreateAndPopulateDiagOpts(args);
  DiagnosticsEngine diagnostics(new DiagnosticIDs, options, new TextDiagnosticPrinter(llvm::errs(), options.get()));
  ProcessWarningOptions(diagnostics, *options, false);

  driver::Driver driver("/bpf-clang", "bpf", diagnostics, "bpf-clang", emptyFiles());
  driver.setCheckInputsExist(false);
  std::unique_ptr<driver::Compilation> compilation(driver.BuildCompilation(args));
  if (!compilation || compilation->containsError() || diagnostics.hasErrorOccurred())
    return Failed;
  const auto *job = onlyJob(*compilation);
  if (!job)
    fail("use: bpf-clang -c [options as of clang -target bpf] -o OBJECT SOURCE.c");

  compiler.createDiagnostics();
  if (!CompilerInvocation::CreateFromArgs(compiler.getInvocation(), *job, diagnostics))
    return Failed;
  if (compiler.getFrontendOpts().ProgramAction != frontend::EmitObj || !llvm::StringRef(compiler.getTargetOpts().Triple).starts_with("bpf"))
    fail("it makes BPF objects alone: -c, no other -target");
  compiler.createDiagnostics();
  return compile(compiler);
}

} // namespace

int main(int argc, char **argv) {
  limit();
  catchFailures();
  std::vector<const char *> args(argv, argv + argc);
  if (argc == 2 && strcmp(argv[1], "--version") == 0) {
    llvm::outs() << "bpf-clang: clang version " CLANG_VERSION_STRING ", BPF target alone\n";
    return Done;
  }
  // The kernel takes back faster what is not freed piece by piece.
  Exit result = run(std::move(args));
  llvm::errs().flush();
  _exit(result);
}
