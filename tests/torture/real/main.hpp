// Included before a file that is compiled as C++ and has the program's main(): the host calls it by its C name.
extern "C" int hosted_main(int argc, char** argv);
