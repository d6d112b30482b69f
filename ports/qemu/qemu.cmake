# add_qemu_program(name sources... [BOARD mps2|microbit]): <name>.elf, linked
# with the device libraries and this port; scripts/qemu-run runs it.

set(tp_qemu_dir ${CMAKE_CURRENT_LIST_DIR})
set(tp_qemu_half_ns_mps2 80)      # one SysTick tick: 25 MHz
set(tp_qemu_half_ns_microbit 125) # 16 MHz

foreach(board mps2 microbit)
    file(GLOB sources CONFIGURE_DEPENDS ${tp_qemu_dir}/*.c)
    add_library(tp_port_${board} OBJECT ${sources})
    tp_settings(tp_port_${board})
    target_compile_definitions(
        tp_port_${board} PRIVATE
        TP_QEMU_HALF_NS=${tp_qemu_half_ns_${board}}u)
endforeach()

function(add_qemu_program name)
    cmake_parse_arguments(arg "" "BOARD" "" ${ARGN})
    if(NOT arg_BOARD)
        set(arg_BOARD mps2)
    endif()
    add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
    tp_settings(${name})
    set_target_properties(
        ${name} PROPERTIES SUFFIX .elf RUNTIME_OUTPUT_DIRECTORY
                                       ${CMAKE_BINARY_DIR}
        LINK_DEPENDS
        "${tp_qemu_dir}/${arg_BOARD}.ld;${tp_qemu_dir}/sections.ld")
    target_link_options(
        ${name} PRIVATE -nostartfiles --specs=nano.specs -Wl,--gc-sections
                        -Wl,-Map=${CMAKE_BINARY_DIR}/${name}.map
                        -L${tp_qemu_dir} -T${tp_qemu_dir}/${arg_BOARD}.ld)
    target_link_libraries(${name} PRIVATE tp_port_${arg_BOARD}
                                          tinypeft_runtime tinypeft_core)
endfunction()
