// A pass plugin for Clang: what growstack needs that Clang does not do by itself. It runs first of all passes, at every
// level, -O0 too, and before a bitcode file for LTO is written.
//
// Everywhere: takes the checks off functions that are defined with `...`. LLVM refuses to compile one with the
// attribute "split-stack", which -fsplit-stack gives to every function: "Segmented stacks do not support vararg
// functions". Without a check they run in the growth room, as code of somebody else does. What they call is checked.
//
// In a safe build: two things have addresses of the native stack that Clang itself has made, so that the stack must
// know of them if they do not lie on the escape stack, where it re-points them. A va_list points to the arguments. The
// buffer of __builtin_setjmp has the stack pointer; and in its place LLVM's SafeStack would write the escape pointer.
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Passes/PassPlugin.h>

#include <vector>

namespace {

using llvm::Function, llvm::IntrinsicInst, llvm::Module, llvm::Value;

// The running stack pointer.
Value* read_sp(llvm::IRBuilder<>& at, Module& module) {
    llvm::LLVMContext& context = module.getContext();
    llvm::Type* const word = at.getInt64Ty();
    Function* const read = llvm::Intrinsic::getDeclaration(&module, llvm::Intrinsic::read_register, {word});
    auto* const name = llvm::MDNode::get(context, llvm::MDString::get(context, "rsp"));
    return at.CreateCall(read, {llvm::MetadataAsValue::get(context, name)});
}

// Behind va_start and va_copy, unless their list is a local: growstack_note_va_list(list).
void note_va_list(IntrinsicInst& made, Module& module) {
    Value* const list = made.getArgOperand(0);
    if (llvm::isa<llvm::AllocaInst>(llvm::getUnderlyingObject(list))) return;
    llvm::IRBuilder<> behind{made.getNextNode()};
    behind.CreateCall(module.getOrInsertFunction("growstack_note_va_list", behind.getVoidTy(), list->getType()),
                      {list});
}

// Before a __builtin_setjmp, unless its buffer is a local: growstack_note_addresses(buffer, sp).
void note_setjmp(IntrinsicInst& call, Module& module) {
    Value* const buffer = call.getArgOperand(0);
    if (llvm::isa<llvm::AllocaInst>(llvm::getUnderlyingObject(buffer))) return;
    llvm::IRBuilder<> before{&call};
    Value* const sp = read_sp(before, module);
    before.CreateCall(
        module.getOrInsertFunction("growstack_note_addresses", before.getVoidTy(), buffer->getType(), sp->getType()),
        {buffer, sp});
}

// Instead of a __builtin_longjmp, which knows nothing of chunks: growstack_builtin_longjmp(buffer).
void replace_longjmp(IntrinsicInst& call, Module& module) {
    Value* const buffer = call.getArgOperand(0);
    llvm::IRBuilder<> before{&call};
    before
        .CreateCall(module.getOrInsertFunction("growstack_builtin_longjmp", before.getVoidTy(), buffer->getType()),
                    {buffer})
        ->setDoesNotReturn();
    call.eraseFromParent();
}

// Clang stores llvm.stacksave() into the third word of a __builtin_setjmp's buffer; and, for a variable array, into a
// local of its own.
void save_native_sp(IntrinsicInst& save, Module& module) {
    std::vector<llvm::StoreInst*> stores;
    for (llvm::User* const user : save.users())
        if (auto* const store = llvm::dyn_cast<llvm::StoreInst>(user)) stores.push_back(store);
    for (llvm::StoreInst* const store : stores) {
        if (llvm::isa<llvm::AllocaInst>(store->getPointerOperand()->stripPointerCasts())) continue;
        llvm::IRBuilder<> before{store};
        store->setOperand(0, before.CreateIntToPtr(read_sp(before, module), save.getType()));
    }
}

void make_safe(Function& function, Module& module) {
    std::vector<IntrinsicInst*> calls;
    bool has_setjmp = false;
    for (llvm::Instruction& instruction : llvm::instructions(function))
        if (auto* const call = llvm::dyn_cast<IntrinsicInst>(&instruction)) {
            calls.push_back(call);
            has_setjmp |= call->getIntrinsicID() == llvm::Intrinsic::eh_sjlj_setjmp;
        }
    for (IntrinsicInst* const call : calls) {
        const auto id = call->getIntrinsicID();
        if (id == llvm::Intrinsic::vastart || id == llvm::Intrinsic::vacopy) note_va_list(*call, module);
        if (id == llvm::Intrinsic::eh_sjlj_setjmp) note_setjmp(*call, module);
        if (id == llvm::Intrinsic::eh_sjlj_longjmp) replace_longjmp(*call, module);
        if (id == llvm::Intrinsic::stacksave && has_setjmp) save_native_sp(*call, module);
    }
}

struct prepare_for_growstack : llvm::PassInfoMixin<prepare_for_growstack> {
    // Else it would be left out of functions with optnone, which are all at -O0.
    static bool isRequired() { return true; }

    static llvm::PreservedAnalyses run(Module& module, llvm::ModuleAnalysisManager&) {
        bool is_changed = false;
        for (Function& function : module) {
            if (function.isDeclaration()) continue;
            if (function.isVarArg()) function.removeFnAttr("split-stack");
            if (!function.hasFnAttribute(llvm::Attribute::SafeStack)) continue;
            make_safe(function, module);
            is_changed = true;
        }
        return is_changed ? llvm::PreservedAnalyses::none() : llvm::PreservedAnalyses::all();
    }
};

void register_pass(llvm::PassBuilder& builder) {
    // The second argument's type is not the same in all versions of LLVM.
    builder.registerPipelineStartEPCallback(
        [](llvm::ModulePassManager& passes, const auto&) { passes.addPass(prepare_for_growstack{}); });
}

} // namespace

extern "C" [[gnu::visibility("default")]] llvm::PassPluginLibraryInfo llvmGetPassPluginInfo() {
    return {LLVM_PLUGIN_API_VERSION, "growstack", "1", register_pass};
}
