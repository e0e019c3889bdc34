import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.net.InetSocketAddress;

/** The same fault on the real Netty: one handler that is not sharable, given to every connection. */
public final class NettyServer {
  static final class CountingEcho extends ChannelInboundHandlerAdapter {
    private int messages;

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object msg) {
      messages++;
      ctx.writeAndFlush(msg);
    }
  }

  public static void main(String[] args) throws Exception {
    Channel server = new ServerBootstrap()
        .group(new NioEventLoopGroup(1), new NioEventLoopGroup(1))
        .channel(NioServerSocketChannel.class)
        .childHandler(new CountingEcho())
        .bind("127.0.0.1", Integer.parseInt(args[0])).sync().channel();
    System.out.println("listening on 127.0.0.1:" + ((InetSocketAddress) server.localAddress()).getPort());
    server.closeFuture().sync();
  }
}
