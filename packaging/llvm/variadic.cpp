// A pass plugin for Clang: takes the checks off functions that are defined with `...`.
//
// LLVM refuses to compile a variadic function with the attribute "split-stack", which -fsplit-stack gives to every
// function: "Segmented stacks do not support vararg functions". Without the attribute such a function has no check of
// its own, as code of somebody else has none: the growth room is for that. What it calls is checked as before.
//
// It runs first of all passes, at every level, -O0 too, and before a bitcode file for LTO is written.
#include <llvm/IR/Function.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Passes/PassPlugin.h>

namespace {

struct uncheck_variadic : llvm::PassInfoMixin<uncheck_variadic> {
    // Else it would be left out of functions with optnone, which are all at -O0.
    static bool isRequired() { return true; }

    static llvm::PreservedAnalyses run(llvm::Module& module, llvm::ModuleAnalysisManager&) {
        for (llvm::Function& function : module)
            if (function.isVarArg() && !function.isDeclaration()) function.removeFnAttr("split-stack");
        return llvm::PreservedAnalyses::all(); // no analysis looks at this attribute
    }
};

void register_pass(llvm::PassBuilder& builder) {
    // The second argument's type is not the same in all versions of LLVM.
    builder.registerPipelineStartEPCallback(
        [](llvm::ModulePassManager& passes, const auto&) { passes.addPass(uncheck_variadic{}); });
}

} // namespace

extern "C" [[gnu::visibility("default")]] llvm::PassPluginLibraryInfo llvmGetPassPluginInfo() {
    return {LLVM_PLUGIN_API_VERSION, "growstack-variadic", "1", register_pass};
}
