# add_cases(PREFIX DIR): each .c and .cpp file of the current folder is one case: a program in DIR, and a
# ctest entry PREFIX.<file stem> that runs it under afterfork and compares with its head comment. A file of the same
# stem in lib/ is built as a shared library and linked to the case. Cases named openmp_* are built with OpenMP, where the
# compiler has it. PREFIX.native runs all without afterfork.
find_package(Threads REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_package(OpenMP COMPONENTS C)

set(AFTERFORK_CASE_RUNNER ${CMAKE_CURRENT_LIST_DIR}/case_runner.py)
set(AFTERFORK_CASE_INCLUDE ${PROJECT_SOURCE_DIR}/testcases)
# Expectations name functions: no frame may be elided by a tail call or merged into its caller.
set(AFTERFORK_CASE_OPTIONS -g -O1 -fno-inline -fno-optimize-sibling-calls)

function(set_case_target target name dir)
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${dir} LIBRARY_OUTPUT_DIRECTORY ${dir})
  target_compile_options(${target} PRIVATE ${AFTERFORK_CASE_OPTIONS})
  target_include_directories(${target} PRIVATE ${AFTERFORK_CASE_INCLUDE})
  target_link_libraries(${target} PRIVATE Threads::Threads)
endfunction()

function(add_cases prefix dir)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  foreach(source IN LISTS sources)
    get_filename_component(stem ${source} NAME_WE)
    if(stem MATCHES "^openmp_" AND NOT TARGET OpenMP::OpenMP_C)
      continue()
    endif()
    add_executable(${prefix}_${stem} ${source})
    set_case_target(${prefix}_${stem} ${stem} ${dir})
    if(stem MATCHES "^openmp_")
      target_link_libraries(${prefix}_${stem} PRIVATE OpenMP::OpenMP_C)
    endif()
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/lib/${stem}.c)
      add_library(${prefix}lib_${stem} SHARED lib/${stem}.c)
      set_case_target(${prefix}lib_${stem} ${prefix}_${stem} ${dir})
      target_link_libraries(${prefix}_${stem} PRIVATE ${prefix}lib_${stem})
    endif()
    add_test(NAME ${prefix}.${stem}
      COMMAND ${AFTERFORK_SWEEP} ${Python3_EXECUTABLE} -B ${AFTERFORK_CASE_RUNNER}
        --afterfork ${CMAKE_BINARY_DIR}/bin/afterfork ${source} $<TARGET_FILE:${prefix}_${stem}>)
    set_tests_properties(${prefix}.${stem} PROPERTIES TIMEOUT 240 SKIP_RETURN_CODE 77 LABELS ${prefix})
  endforeach()
  add_test(NAME ${prefix}.native
    COMMAND ${AFTERFORK_SWEEP} ${Python3_EXECUTABLE} -B ${AFTERFORK_CASE_RUNNER} --native
      --sources ${CMAKE_CURRENT_SOURCE_DIR} --programs ${dir})
  set_tests_properties(${prefix}.native PROPERTIES TIMEOUT 1800 LABELS ${prefix})
endfunction()
