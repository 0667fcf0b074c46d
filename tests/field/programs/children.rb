# A Ruby thread at work while others start programs and fork.
require 'digest'
require 'open3'

stop = false
worker = Thread.new { text = ''; text = Digest::SHA256.hexdigest(text) until stop }
queue = Queue.new
eater = Thread.new { while queue.pop; end }
logged = Mutex.new
seen = (1..4).map do |n|
  queue << n
  threads = [Thread.new { Open3.capture2('sort', '-n', stdin_data: (n..100).to_a.reverse.join("\n"))[0].lines.first.to_i },
             Thread.new { `echo #{n * n}`.to_i },
             Thread.new { system("exit #{n}"); $?.exitstatus }]
  reader, writer = IO.pipe
  pid = fork do # runs on in Ruby, without exec
    reader.close
    logged.synchronize { writer.puts Thread.new { (1..n).sum }.value }
    exit n
  end
  writer.close
  sum = reader.read.to_i
  Process.wait(pid)
  threads.map(&:value) + [sum, $?.exitstatus]
end
stop = true
queue << nil
[worker, eater].each(&:join)
seen.each { |each| p each }
exit 4
