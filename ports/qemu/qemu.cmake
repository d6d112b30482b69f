# add_qemu_program(name sources... [MACHINE machine]): <name>.elf, linked with
# the device libraries and this port. scripts/qemu-run runs it on the machine
# that it was built for, by default that of the core: a symbol says which.

set(tp_qemu_dir ${CMAKE_CURRENT_LIST_DIR})

# Of each core its machine; of each machine its memory, and a tick of SysTick in
# quarters of a nanosecond (1: there is none).
set(tp_qemu_machine_m0 mps2-an385)
set(tp_qemu_machine_m3 mps2-an385)
set(tp_qemu_machine_m4 mps2-an386)
set(tp_qemu_machine_m7 mps2-an500)
set(tp_qemu_machine_m33 mps2-an505)
set(tp_qemu_machine_m55 mps3-an547)
set(tp_qemu_machine_rv32 virt)
set(tp_qemu_mps2-an385 mps2 160) # 25 MHz
set(tp_qemu_mps2-an386 mps2 160)
set(tp_qemu_mps2-an500 mps2 160)
set(tp_qemu_mps2-an505 an505 200) # 20 MHz
set(tp_qemu_mps3-an547 an547 125) # 32 MHz
set(tp_qemu_microbit microbit 250) # 16 MHz
set(tp_qemu_virt virt 1)

# The port's code, once a machine.
function(tp_qemu_port machine)
    if(TARGET tp_port_${machine})
        return()
    endif()
    list(GET tp_qemu_${machine} 1 tick)
    file(GLOB sources CONFIGURE_DEPENDS ${tp_qemu_dir}/*.c
         ${tp_qemu_dir}/${CMAKE_SYSTEM_PROCESSOR}/*.c)
    add_library(tp_port_${machine} OBJECT ${sources})
    tp_settings(tp_port_${machine})
    target_compile_definitions(
        tp_port_${machine} PRIVATE TP_QEMU_QUARTER_NS=${tick}u)
endfunction()

function(add_qemu_program name)
    cmake_parse_arguments(arg "" "MACHINE" "" ${ARGN})
    set(machine ${arg_MACHINE})
    if(NOT machine)
        set(machine ${tp_qemu_machine_${TINYPEFT_CPU}})
    endif()
    tp_qemu_port(${machine})
    list(GET tp_qemu_${machine} 0 script)
    string(REPLACE - _ symbol ${machine})
    add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
    tp_settings(${name})
    set_target_properties(
        ${name} PROPERTIES SUFFIX .elf RUNTIME_OUTPUT_DIRECTORY
                                       ${CMAKE_BINARY_DIR}
        LINK_DEPENDS
        "${tp_qemu_dir}/${script}.ld;${tp_qemu_dir}/sections.ld")
    target_link_options(
        ${name} PRIVATE -nostartfiles
                        -Wl,--gc-sections,--defsym=tp_qemu_on_${symbol}=0
                        -Wl,-Map=${CMAKE_BINARY_DIR}/${name}.map
                        -L${tp_qemu_dir} -T${tp_qemu_dir}/${script}.ld)
    target_link_libraries(${name} PRIVATE tp_port_${machine}
                                          tinypeft_runtime tinypeft_core)
endfunction()
