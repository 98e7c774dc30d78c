# attempt: Receives from a POSIX message queue of the host by its name, which no mount hides.
# known-from: technique: mq_open needs no path, and finds the queues of the IPC namespace
# held-by: ipc namespace
# must: held
# control: weak host-ipc
# needs: queue
import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)

name = os.environ["ESCAPE_QUEUE"].encode()
queue = libc.mq_open(name, os.O_RDWR | os.O_NONBLOCK)
if queue < 0:
    print(f"held: {errno.errorcode[ctypes.get_errno()]}")
else:
    text = ctypes.create_string_buffer(8192)
    count = libc.mq_receive(queue, text, len(text), None)
    libc.mq_send(queue, text.raw[:count], count, 0)  # for who comes next
    print(f"escaped: {text.raw[:count].decode()}")
